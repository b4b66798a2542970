// SPDX-License-Identifier: Apache-2.0

import KithAIOS
import KithMembership
import KithModel
import KithTransport
import Logging
import ServiceLifecycle

/// The hosts that the discovery role asks.
enum NodeHosts {
    /// What asks the hosts of the seeds' `config/hosts.yaml`, if the data folder has one. Nothing is asked without it, and
    /// one that cannot be used is said to be in the log.
    static func services(
        dataDirectory: String, registry: RegistryService, upstream: UpstreamClient, clock: any TimeSource,
        logger: Logger, ownCell: @escaping @Sendable () -> CellInfo
    ) -> [any Service] {
        let path = dataDirectory + "/config/hosts.yaml"
        do {
            guard let bytes = try BoundedFile.bytesIfPresent(path, limit: HostsFile.maximumBytes) else { return [] }
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw HostsFile.Unreadable(description: "it is not UTF-8 text")
            }
            let prober = HostsProber(
                hosts: try HostsFile(yaml: text), registry: registry, upstream: upstream, clock: clock, logger: logger,
                ownCell: ownCell)
            return [BackgroundLoop { await prober.run() }]
        } catch {
            logger.warning("the list of hosts is not used", metadata: ["path": "\(path)", "reason": "\(error)"])
            return []
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

import KithMembership
import KithModel
import KithTrust
import Logging
import Synchronization
import SystemPackage

/// The certificate that a node makes itself for its clients (`--tls`): for every name and address that the machine has now.
package struct ClientCertificate: Sendable {
    /// Addresses come and go with networks.
    static let pause = Duration.seconds(60)
    private static let renewsBefore = Duration.seconds(60 * 86_400)

    private let authority: ClientAuthority
    private let identity: NodeIdentity
    private let known: [String]
    private let survey: @Sendable () -> [InterfaceAddress]
    private let logger: Logger

    /// The folder of the authority, below a node's data folder.
    static func folder(in dataDirectory: String) -> FilePath { FilePath(dataDirectory).appending("state/tls") }

    /// The file that programs of clients are given; it is there after the first start with `--tls`.
    package static func authorityFile(in dataDirectory: String) -> String {
        folder(in: dataDirectory).appending(ClientAuthority.fileName).string
    }

    /// - Throws: ``NodeStartError`` when the authority cannot be made.
    init(
        settings: NodeSettings, identity: NodeIdentity, hostName: String, now: WallTime, logger: Logger,
        survey: @escaping @Sendable () -> [InterfaceAddress] = { InterfaceWatch.survey() }
    ) throws(NodeStartError) {
        do {
            authority = try ClientAuthority.open(
                folder: Self.folder(in: settings.dataDirectory), name: settings.name, now: now
            ) {
                logger.warning(
                    "the authority for clients was made anew; programs that trust the old one have to be given the new one",
                    metadata: ["file": "\(Self.authorityFile(in: settings.dataDirectory))"])
            }
        } catch {
            throw NodeStartError(.certificate, "cannot make a certificate for clients", cause: error)
        }
        self.identity = identity
        self.survey = survey
        self.logger = logger
        let short = String(hostName.prefix { $0 != "." })
        known =
            ["localhost", "kith", hostName, short, "\(short).local", settings.name.rawValue, settings.host]
            + settings.access.allowedHosts
    }

    /// The names and addresses that the machine has now.
    var names: ClientNames {
        let loopback = [IPAddress("127.0.0.1"), IPAddress("::1")].compactMap(\.self)
        let own = UsableAddresses.from(survey())
        return ClientNames(
            names: known.filter { IPAddress($0) == nil },
            addresses: (loopback + known.compactMap { IPAddress($0) } + own).filter { $0.zone == nil }.map(\.bytes))
    }

    /// - Throws: ``NodeStartError``.
    func issue(for names: ClientNames, now: WallTime) throws(NodeStartError) -> SurfaceTLS {
        do {
            return try authority.issue(to: identity, names: names, now: now)
        } catch {
            throw NodeStartError(.certificate, "cannot make a certificate for clients", cause: error)
        }
    }

    /// Shows another certificate whenever the machine has other names or addresses, or the old one ends soon, until the task is
    /// cancelled.
    func watch(_ source: SurfaceTLSSource, from first: ClientNames, clock: any TimeSource) async {
        var shown = first
        while true {
            do { try await clock.sleep(forAbout: Self.pause) } catch { return }
            let (now, names) = (WallTime.now(), names)
            let isValid = source.current.validity.map {
                now >= $0.lowerBound && now.advanced(by: Self.renewsBefore) < $0.upperBound
            }
            guard names != shown || isValid != true else { continue }
            do throws(NodeStartError) {
                source.replace(with: try issue(for: names, now: now))
                shown = names
                logger.info("certificate renewed", metadata: ["names": "\(names.list)"])
            } catch {
                logger.warning("certificate not renewed", metadata: ["reason": "\(error)"])
            }
        }
    }
}

extension ClientNames {
    fileprivate var list: String {
        (names + addresses.compactMap { IPAddress(bytes: $0).map { "\($0)" } }).joined(separator: ", ")
    }
}

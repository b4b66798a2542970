// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTransport
import KithVault
import Logging
import ServiceLifecycle

/// This node's way to HashiCorp Vault, if its settings name one.
struct NodeVault: Sendable {
    private static let certificateLimit = 1 << 20

    /// Reads what the settings keep in Vault; `nil` when the settings hold no credential for it.
    let secrets: VaultSecrets?
    private let clients: [VaultClient]
    private let watch: VaultStatusWatch?

    /// Sends nothing yet: a node starts whether or not Vault is there.
    ///
    /// - Throws: ``NodeStartError`` when the certificates for Vault cannot be read.
    static func open(_ settings: VaultSettings, clock: any TimeSource, logger: Logger) throws(NodeStartError)
        -> NodeVault
    {
        guard let address = settings.address else { return NodeVault(secrets: nil, clients: [], watch: nil) }
        let roots = try settings.certificate.map(roots)
        let client = VaultClient(address: address, roots: roots)
        let clients = [client] + settings.others.map { VaultClient(address: $0, roots: roots) }
        return NodeVault(
            secrets: settings.credential.map {
                VaultSecrets(client: client, credential: $0, clock: clock, logger: logger)
            }, clients: clients, watch: VaultStatusWatch(clients: clients, clock: clock))
    }

    /// - Parameter watchesStatus: whether ``status()`` will be called.
    func services(watchesStatus: Bool) -> [any Service] {
        var services: [any Service] = []
        if let secrets { services.append(BackgroundLoop { await secrets.run() }) }
        if let watch, watchesStatus { services.append(BackgroundLoop { await watch.run() }) }
        return services
    }

    /// The answer to `GET /vault-status`; waits only while nothing is known, and then for two seconds at most.
    func status() async -> VaultStatusBody { await watch?.body() ?? .unconfigured }

    func shutDown() async {
        for client in clients { await client.shutDown() }
    }

    private static func roots(_ path: String) throws(NodeStartError) -> TrustedRoots {
        do {
            return try TrustedRoots(pem: try BoundedFile.bytes(path, limit: certificateLimit))
        } catch {
            throw NodeStartError(.certificate, "cannot use \(path), the certificate for Vault", cause: error)
        }
    }
}

extension VaultSettings {
    /// A role is preferred to a token.
    fileprivate var credential: VaultCredential? {
        if let roleID, let secretID { return .appRole(roleID: roleID, secretID: secretID) }
        return token.map { .token($0) }
    }
}

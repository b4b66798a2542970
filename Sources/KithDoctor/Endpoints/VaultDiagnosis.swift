// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithNode
import KithTransport
import KithVault

/// Whether HashiCorp Vault can be asked for secrets; no token is needed, and none is sent.
struct VaultDiagnosis: Diagnosis {
    let check = CheckID.vault
    let title = "vault"
    var subject: String? { "\(address)" }
    let limit = Duration.seconds(4)

    let address: HTTPAddress
    /// A PEM file that vouches for it.
    let certificate: String?
    let clock: any TimeSource

    func run() async -> [Finding] {
        let roots: TrustedRoots?
        do {
            roots = try trustedRoots()
        } catch {
            return [
                Finding(
                    check, title, .error, "\(certificate ?? "") cannot be used: \(error)",
                    fix: Finding.Fix("let vault.ca_certificate name the PEM file that vouches for Vault"), of: subject)
            ]
        }
        let start = clock.now
        let client = VaultClient(address: address, roots: roots)
        let status = await client.status(limit: .seconds(3))
        await client.shutDown()
        return [Self.finding(status, at: address, took: clock.now - start)]
    }

    private func trustedRoots() throws -> TrustedRoots? {
        guard let certificate else { return nil }
        // A file that is missing holds no certificate either.
        return try TrustedRoots(pem: try BoundedFile.bytesIfPresent(certificate, limit: 1 << 20) ?? [])
    }

    static func finding(_ status: VaultStatus, at address: HTTPAddress, took: Duration) -> Finding {
        if status.isAvailable {
            return Finding(.vault, "vault", .ok, status.detail, of: "\(address)", took: took)
        }
        let seen = status.detail.split(separator: ";").first.map(String.init) ?? status.detail
        return Finding(.vault, "vault", .error, seen, fix: fix(status, address), of: "\(address)", took: took)
    }

    private static func fix(_ status: VaultStatus, _ address: HTTPAddress) -> Finding.Fix? {
        switch status {
        case .sealed:
            Finding.Fix("unseal it, with as many of its keys as it asks for", command: "vault operator unseal")
        case .notInitialised: Finding.Fix("initialise it, and keep its keys", command: "vault operator init")
        case .cutOffStandby: Finding.Fix("see whether the active node of its cluster runs", command: "vault status")
        case .removed: Finding.Fix("name a Vault that belongs to the cluster in vault.address")
        case .unreachable(.tls):
            Finding.Fix("let vault.ca_certificate name the PEM file that vouches for Vault")
        case .unreachable(.noConnection), .unreachable(.timeout), .unreachable(.interrupted):
            Finding.Fix(
                "start it, or correct vault.address (VAULT_ADDR)", command: "curl -v \(address)/v1/sys/health")
        case .foreign: Finding.Fix("correct vault.address (VAULT_ADDR); with TLS it begins with https")
        case .active, .standby, .recoverySecondary, .performanceStandby: nil
        }
    }
}

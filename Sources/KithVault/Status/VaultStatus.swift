// SPDX-License-Identifier: Apache-2.0

import KithDialects
package import KithModel
import KithTransport
import Synchronization

/// The status of Vault by its own `/v1/sys/health` (https://developer.hashicorp.com/vault/api-docs/system/health), or
/// why it is not known.
package enum VaultStatus: Hashable, Sendable {
    case active
    case standby
    case recoverySecondary
    case performanceStandby
    /// A standby that cannot reach the active node.
    case cutOffStandby
    case notInitialised
    case sealed
    /// Taken out of its cluster.
    case removed
    case unreachable(Obstacle)
    /// Something answers there, and it is not Vault; `nil` when it does not even speak HTTP.
    case foreign(code: Int?)

    package enum Obstacle: String, Sendable, CaseIterable {
        case noConnection
        case timeout
        case tls
        /// The connection ended before the answer did.
        case interrupted
    }

    private struct Body: Decodable {
        var initialized: Bool
        var sealed: Bool
    }

    /// Reads an answer to `GET /v1/sys/health`.
    ///
    /// The body counts before a better code, because a proxy may turn codes into 200.
    package init(code: Int, body: some Collection<UInt8>) {
        guard let told = Self.coded.first(where: { $0.code == code }),
            let flags = try? JSONBody.decode(Body.self, from: body)
        else {
            self = .foreign(code: code)
            return
        }
        if told.isAvailable, !flags.initialized {
            self = .notInitialised
        } else if told.isAvailable, flags.sealed {
            self = .sealed
        } else {
            self = told
        }
    }

    /// - Parameter failure: why there was no whole answer.
    package init(_ failure: ChatError) {
        self =
            switch failure.code {
            case .invalidAnswer: .foreign(code: nil)
            case .timeout: .unreachable(.timeout)
            case .interrupted: .unreachable(.interrupted)
            default: .unreachable(failure.isTLSRefusal ? .tls : .noConnection)
            }
    }

    private static let coded: [VaultStatus] = [
        .active, .standby, .recoverySecondary, .performanceStandby, .cutOffStandby, .notInitialised, .sealed, .removed,
    ]

    /// The status code by which Vault reports it; or the status code of what answered instead of Vault.
    package var code: Int? {
        switch self {
        case .active: 200
        case .standby: 429
        case .recoverySecondary: 472
        case .performanceStandby: 473
        case .cutOffStandby: 474
        case .notInitialised: 501
        case .sealed: 503
        case .removed: 530
        case .unreachable: nil
        case .foreign(let code): code
        }
    }

    /// Whether secrets can be asked for there.
    package var isAvailable: Bool {
        switch self {
        case .active, .standby, .recoverySecondary, .performanceStandby: true
        case .cutOffStandby, .notInitialised, .sealed, .removed, .unreachable, .foreign: false
        }
    }

    /// What several have to say together: the first that can be used speaks for all, else the first that is a Vault.
    package static func told(by statuses: [VaultStatus]) -> VaultStatus {
        let speaker = statuses.first(where: \.isAvailable) ?? statuses.first(where: \.isVaults) ?? statuses.first
        return speaker ?? .unreachable(.noConnection)
    }

    private var isVaults: Bool {
        switch self {
        case .unreachable, .foreign: false
        default: true
        }
    }

    /// One clause about Vault, and how to fix it.
    package var detail: String {
        switch self {
        case .active: "Vault is initialised, unsealed and active"
        case .standby: "Vault is unsealed and a standby"
        case .recoverySecondary: "Vault is a disaster recovery secondary"
        case .performanceStandby: "Vault is a performance standby"
        case .cutOffStandby: "Vault is a standby that cannot reach the active node"
        case .notInitialised: "Vault is not initialised; `vault operator init` does that"
        case .sealed: "Vault is sealed; `vault operator unseal` opens it"
        case .removed: "this Vault was removed from its cluster"
        case .unreachable(.noConnection): "nothing answers where Vault should be; is its address right, does it run?"
        case .unreachable(.timeout): "what listens where Vault should be did not answer in time"
        case .unreachable(.tls):
            "the TLS handshake with Vault failed; vault.ca_certificate names a certificate that vouches for it"
        case .unreachable(.interrupted): "the connection to Vault ended before its answer did"
        case .foreign(nil): "what answers where Vault should be does not speak HTTP"
        case .foreign(400): "what answers is not Vault, or is Vault with TLS and its address must begin with https"
        case .foreign(let code?): "what answers with status \(code) where Vault should be is not Vault"
        }
    }
}

/// Asks Vault for its status again and again, so that callers get at once what is known, and when it was learned.
package final class VaultStatusWatch: Sendable {
    package static let pause = Duration.seconds(5)
    /// The time for one request.
    package static let limit = Duration.seconds(2)

    /// What Vault answered, and when.
    package struct Sighting: Hashable, Sendable {
        package var status: VaultStatus
        package var at: MonotonicInstant
    }

    private let clock: any TimeSource
    private let ask: @Sendable () async -> VaultStatus
    private let last = Mutex<Sighting?>(nil)

    package convenience init(client: VaultClient, clock: any TimeSource = MonotonicClock(), limit: Duration = limit) {
        self.init(clients: [client], clock: clock, limit: limit)
    }

    /// - Parameter clients: Asked all at once; see ``VaultStatus/told(by:)``.
    package init(clients: [VaultClient], clock: any TimeSource = MonotonicClock(), limit: Duration = limit) {
        self.clock = clock
        ask = {
            await withTaskGroup(of: (Int, VaultStatus).self) { group in
                for (index, client) in clients.enumerated() {
                    group.addTask { (index, await client.status(limit: limit)) }
                }
                var told: [Int: VaultStatus] = [:]
                for await (index, status) in group { told[index] = status }
                return VaultStatus.told(by: clients.indices.compactMap { told[$0] })
            }
        }
    }

    /// Asks until the task is cancelled.
    package func run() async {
        while !Task.isCancelled {
            _ = await refresh()
            do { try await clock.sleep(for: Self.pause) } catch { return }
        }
    }

    /// The status that is known; asks, and waits for at most ``limit``, only while none is known.
    package func latest() async -> Sighting {
        if let known = last.withLock({ $0 }) { return known }
        return await refresh()
    }

    /// The answer to `GET /vault-status`.
    package func body() async -> VaultStatusBody {
        let sighting = await latest()
        return VaultStatusBody(sighting.status, age: clock.now - sighting.at)
    }

    private func refresh() async -> Sighting {
        let status = await ask()
        let sighting = Sighting(status: status, at: clock.now)
        // A request of a stopping node is cut short: its result says nothing of Vault.
        if !Task.isCancelled { last.withLock { $0 = sighting } }
        return sighting
    }
}

/// The answer to `GET /vault-status`: the seed's keys, and what else is known.
package struct VaultStatusBody: Encodable, Hashable, Sendable {
    package enum Status: String, Encodable, Sendable {
        case available
        case unavailable
        /// Not known, because Vault did not answer.
        case error
    }

    package var status: Status
    /// With `available` and `unavailable`.
    package var code: Int?
    /// With `error`.
    package var error: String?
    package var detail: String
    /// How long ago Vault was asked.
    package var ageSeconds: Double?

    private enum CodingKeys: String, CodingKey {
        case status, code, error, detail
        case ageSeconds = "age_seconds"
    }

    package init(_ status: VaultStatus, age: Duration? = nil) {
        detail = status.detail
        ageSeconds = age.map { (max(.zero, $0).seconds * 1_000).rounded() / 1_000 }
        switch status {
        case .unreachable, .foreign:
            self.status = .error
            error = status.detail
        default:
            self.status = status.isAvailable ? .available : .unavailable
            code = status.code
        }
    }

    /// For a node whose settings name no Vault.
    package static let unconfigured = VaultStatusBody(
        problem: "no Vault is set; vault.address (VAULT_ADDR, AIOS_VAULT_ADDR) says where it is")

    private init(problem: String) {
        status = .error
        error = problem
        detail = problem
    }
}

// SPDX-License-Identifier: Apache-2.0

import KithMembership
import KithModel
import KithServer
import Logging
import Synchronization

/// The gates of this node's listeners, and the rules by which they open, which are read again when a settings file changes.
final class NodeFirewall: Sendable {
    /// Between two looks at the files; a change is used at the second.
    static let pause = Duration.seconds(2)

    let proxies: LiveSetting<[AddressRange]>
    private let settings: LiveSetting<FirewallSettings>
    private let gates = Mutex<[(door: FirewallSettings.Door, gate: ConnectionGate)]>([])
    private let logger: Logger

    init(_ settings: FirewallSettings, logger: Logger) {
        proxies = LiveSetting(settings.trustedProxies)
        self.settings = LiveSetting(settings)
        self.logger = logger
    }

    /// The gate of one listener.
    func gate(_ door: FirewallSettings.Door, places: Int, audit: any AuditTrail) -> ConnectionGate {
        let gate = ConnectionGate(
            places: places, rules: LiveSetting(settings.value.rules(of: door)), proxies: proxies, audit: audit)
        gates.withLock { $0.append((door, gate)) }
        return gate
    }

    func apply(_ new: FirewallSettings) {
        guard new != settings.value else { return }
        settings.replace(with: new)
        proxies.replace(with: new.trustedProxies)
        for (door, gate) in gates.withLock({ $0 }) { gate.replace(rules: new.rules(of: door)) }
        logger.notice("rules about addresses changed")
    }

    /// Applies what the settings say whenever one of the files has changed, until the task is cancelled. A file with a mistake
    /// changes nothing.
    ///
    /// - Parameter read: Reads all settings again.
    func follow(_ files: [String], clock: any TimeSource, read: @Sendable () throws -> FirewallSettings) async {
        let files = files.map { WatchedFile(path: $0, limit: 0) }
        var used = files.map { $0.look() }
        var last = used
        while !Task.isCancelled {
            do { try await clock.sleep(forAbout: Self.pause) } catch { return }
            let looks = files.map { $0.look() }
            defer { last = looks }
            // Half-written files are left alone.
            guard looks == last, looks != used else { continue }
            used = looks
            do {
                apply(try read())
            } catch {
                logger.warning("rules about addresses not read again", metadata: ["reason": "\(error)"])
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

import CDNSSD
import KithModel
import Synchronization

/// Talks with the mDNS daemon through dns_sd. Everything in it belongs to the one thread that calls ``run()``.
final class MulticastWorker {
    private let settings: MulticastDiscovery.Settings
    private let clock: any TimeSource
    private let stop: StopSignal
    private let report: @Sendable (DiscoveryReport) -> Void

    private var cache: MulticastCache
    private var advertisement: DNSSDOperation?
    private var browser: DNSSDOperation?
    private var lookups: [MulticastLookup] = []
    private var library: cdnssd?
    private var problem: DNSSDError?
    private var retryAt: MonotonicInstant?
    private var backoff = Backoff(initial: .seconds(1), maximum: .seconds(10))
    private var reported = DiscoveryReport()

    init(
        _ settings: MulticastDiscovery.Settings, clock: any TimeSource, stop: StopSignal,
        report: @escaping @Sendable (DiscoveryReport) -> Void
    ) {
        self.settings = settings
        self.clock = clock
        self.stop = stop
        self.report = report
        cache = MulticastCache(ownID: settings.id)
        retryAt = clock.now
    }

    /// Returns soon after `stop` is raised. Deallocating the operations withdraws the advertisement.
    func run() {
        while !stop.isRaised {
            connectIfDue()
            perform(cache.actions(at: clock.now))
            process([])  // the daemon may have answered while it was being asked
            finishLookups()
            tell()
            let ready = Poll.wait(for: [stop.pipe.readEnd] + operations.map(\.descriptor), limit: untilNext())
            guard !stop.isRaised else { break }
            process(ready)
        }
        disconnect()
    }

    private var operations: [DNSSDOperation] {
        [advertisement, browser].compactMap { $0 } + lookups.flatMap(\.operations)
    }

    private func untilNext() -> Duration? {
        let now = clock.now
        let moments = [retryAt, cache.nextDeadline()].compactMap { $0 } + lookups.compactMap(\.completeAt)
        return moments.min().map { max(.zero, $0 - now) }
    }

    private func tell() {
        let next = DiscoveryReport(
            suggestions: cache.suggestions(), problems: problem.map { ["\($0)"] } ?? [])
        guard next != reported else { return }
        reported = next
        report(next)
    }

    // MARK: The daemon

    private func connectIfDue() {
        guard let due = retryAt, due <= clock.now else { return }
        do throws(DNSSDError) {
            if library == nil { library = try .load(settings.library) }
            guard let library else { return }
            if let port = settings.advertisedPort {
                advertisement = try .advertise(
                    InstanceName.of(settings.name, settings.id), port: port, text: settings.record, with: library)
            }
            browser = try .browse(with: library)
            (retryAt, problem) = (nil, nil)
            backoff.reset()
            cache.daemonFound(at: clock.now)
        } catch {
            lost(error)
        }
    }

    private func lost(_ error: DNSSDError) {
        disconnect()
        problem = error
        retryAt = clock.now + backoff.next()
        cache.daemonLost(at: clock.now)
    }

    private func disconnect() {
        lookups = []
        browser = nil
        advertisement = nil
    }

    // MARK: Events

    private func process(_ ready: Set<Int32>) {
        func events(of operation: DNSSDOperation) -> [DNSSDOperation.Event] {
            ready.contains(operation.descriptor) ? operation.process() : operation.takeEvents()
        }
        for operation in [advertisement, browser].compactMap({ $0 }) {
            for event in events(of: operation) where !take(event) { return }
        }
        for lookup in lookups {
            for event in lookup.operations.flatMap(events) where !lookup.take(event, at: clock.now) {
                end(lookup, found: nil)
            }
        }
    }

    /// - Returns: `false` when the daemon is lost, and all operations with it.
    private func take(_ event: DNSSDOperation.Event) -> Bool {
        switch event {
        case .appeared(let key): cache.appeared(key, at: clock.now)
        case .vanished(let key): perform([cache.vanished(key)].compactMap { $0 })
        case .failed(let error):
            lost(error)
            return false
        case .advertised, .resolved, .address: break
        }
        return true
    }

    private func perform(_ actions: [MulticastCache.Action]) {
        for action in actions {
            switch action {
            case .stop(let key): lookups.removeAll { $0.key == key }
            case .lookUp(let key):
                guard let library else { continue }
                do throws(DNSSDError) {
                    lookups.append(try MulticastLookup(key, with: library))
                } catch {
                    cache.lookedUp(key, nil, at: clock.now)
                }
            }
        }
    }

    private func finishLookups() {
        for lookup in lookups {
            if let found = lookup.result(at: clock.now) { end(lookup, found: found) }
        }
    }

    private func end(_ lookup: MulticastLookup, found: MulticastCache.Found?) {
        guard lookups.contains(where: { $0 === lookup }) else { return }
        lookups.removeAll { $0 === lookup }
        cache.lookedUp(lookup.key, found, at: clock.now)
    }
}

/// One lookup: first host, port and TXT record, then the host's addresses. Lives on one thread.
///
/// dns_sd has a call that gives addresses, but Avahi's library lacks it; the records it stands for can be asked for on
/// every platform.
final class MulticastLookup {
    /// How long to wait for the addresses of one family when the other's have come.
    static let patience = Duration.milliseconds(700)

    let key: MulticastCache.Key
    private let library: cdnssd
    private var resolving: DNSSDOperation?
    private var queries: [DNSSDOperation] = []
    private var found: MulticastCache.Found?
    private(set) var completeAt: MonotonicInstant?

    init(_ key: MulticastCache.Key, with library: cdnssd) throws(DNSSDError) {
        self.key = key
        self.library = library
        resolving = try .resolve(key, with: library)
    }

    var operations: [DNSSDOperation] { [resolving].compactMap { $0 } + queries }

    /// What was found, once it is complete.
    func result(at now: MonotonicInstant) -> MulticastCache.Found? {
        guard let completeAt, completeAt <= now else { return nil }
        return found
    }

    /// - Returns: `false` when the lookup has failed.
    func take(_ event: DNSSDOperation.Event, at now: MonotonicInstant) -> Bool {
        switch event {
        case .resolved(let host, let port, let text):
            guard found == nil, (1...65_535).contains(port) else { return found != nil }
            found = MulticastCache.Found(port: port, text: text, addresses: [])
            do throws(DNSSDError) {
                for isIPv6 in [false, true] {
                    queries.append(
                        try .addresses(of: host, interface: key.interface, isIPv6: isIPv6, with: library))
                }
            } catch {
                return false
            }
            resolving = nil
        case .address(let address, true):
            guard let addresses = found?.addresses, !addresses.contains(address),
                addresses.count < MulticastCache.maximumAddresses
            else { return true }
            found?.addresses.append(address)
            completeAt = completeAt ?? now + Self.patience
        case .address(let address, false): found?.addresses.removeAll { $0 == address }
        case .failed:
            // One family may have no address at all; the other's are worth the wait.
            return found != nil
        case .advertised, .appeared, .vanished: break
        }
        return true
    }
}

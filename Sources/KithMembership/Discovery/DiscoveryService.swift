// SPDX-License-Identifier: Apache-2.0

package import KithModel
import Synchronization

/// Runs all ways to find nodes side by side, and answers from what they have said so far.
package final class DiscoveryService: Sendable {
    private let discoveries: [any Discovery]
    private let clock: any TimeSource
    private let onChange: @Sendable () -> Void
    private let store: Mutex<SuggestionStore>

    /// - Parameters:
    ///   - ownID: Not suggested.
    ///   - onChange: Called after suggestions or problems changed, from any thread; it must not block.
    package init(
        _ discoveries: [any Discovery], ownID: NodeID?, clock: any TimeSource = MonotonicClock(),
        onChange: @escaping @Sendable () -> Void = {}
    ) {
        self.discoveries = discoveries
        self.clock = clock
        self.onChange = onChange
        store = Mutex(SuggestionStore(ownID: ownID))
    }

    /// Runs until cancelled.
    package func run() async {
        await withDiscardingTaskGroup { group in
            for (feed, discovery) in discoveries.enumerated() {
                let source = discovery.source
                group.addTask {
                    await discovery.run { report in self.take(report, feed: feed, source: source) }
                }
            }
            group.addTask { await self.expire() }
        }
    }

    /// Everything suggested at the moment, with ages. Waits for nothing.
    package func suggestions() -> [SuggestedPeer] { store.withLock { $0.peers(at: clock.now) } }

    /// What hinders the sources, in words.
    package func problems() -> [DiscoveryError] { store.withLock { $0.problems() } }

    /// Whether there is such a source, and nothing hinders it.
    package func isWorking(_ source: DiscoverySource) -> Bool {
        discoveries.contains { $0.source == source } && !problems().contains { $0.source == source }
    }

    private func take(_ report: DiscoveryReport, feed: Int, source: DiscoverySource) {
        let now = clock.now
        if store.withLock({ $0.take(report, feed: feed, source: source, at: now) }) { onChange() }
    }

    private func expire() async {
        do {
            while true {
                try await clock.sleep(forAbout: .seconds(6))
                let now = clock.now
                if store.withLock({ $0.expire(at: now) }) { onChange() }
            }
        } catch {}  // cancelled
    }
}

/// A node that may be there, put together from what all sources say of it.
package struct SuggestedPeer: Hashable, Sendable {
    package static let maximumAddresses = 16

    /// Claimed, not proved; `nil` where only an address was suggested.
    package var id: NodeID?
    package var name: NodeName?
    package var version: String?
    package var protocolVersion: Int?
    /// The one to try first at the front; never empty.
    package var addresses: [SuggestedAddress]

    package init(
        id: NodeID?, name: NodeName? = nil, version: String? = nil, protocolVersion: Int? = nil,
        addresses: [SuggestedAddress]
    ) {
        self.id = id
        self.name = name
        self.version = version
        self.protocolVersion = protocolVersion
        self.addresses = addresses
    }
}

/// One address of a ``SuggestedPeer``.
package struct SuggestedAddress: Hashable, Sendable {
    package var address: PeerAddress
    /// The most trustworthy source that names it.
    package var source: DiscoverySource
    /// How long ago that source named it first.
    package var knownFor: Duration
    /// How long ago that source stopped naming it; `nil` while it names it.
    package var goneFor: Duration?

    package init(address: PeerAddress, source: DiscoverySource, knownFor: Duration, goneFor: Duration? = nil) {
        self.address = address
        self.source = source
        self.knownFor = knownFor
        self.goneFor = goneFor
    }
}

/// Something that hinders a way to find nodes.
package struct DiscoveryError: Hashable, Sendable {
    package var source: DiscoverySource
    package var text: String

    package init(source: DiscoverySource, text: String) {
        self.source = source
        self.text = text
    }
}

/// What all sources suggest, merged by claimed id. A pure value: the shell is ``DiscoveryService``.
///
/// What a network source no longer names stays for a while, because announcements get lost and a daemon restarts; it
/// costs no more than an attempt to connect. What the owner takes out of a file goes at once.
package struct SuggestionStore: Sendable {
    /// How long an address stays after mDNS or a registry stopped naming it.
    package static let linger = Duration.seconds(60)

    fileprivate struct Sighting: Sendable {
        var suggestion: Suggestion
        /// In the source's order of preference.
        var position: Int
        var since: MonotonicInstant
        var goneSince: MonotonicInstant?
    }

    fileprivate struct Feed: Sendable {
        var source: DiscoverySource
        /// At most twice as many as a report may hold.
        var sightings: [PeerAddress: Sighting] = [:]
        var problems: [String] = []
    }

    private let ownID: NodeID?
    private var feeds: [Int: Feed] = [:]

    /// - Parameter ownID: Suggestions that claim it are not kept: a node need not find itself.
    package init(ownID: NodeID? = nil) { self.ownID = ownID }

    /// Takes the complete report of one source.
    ///
    /// - Parameter feed: Tells sources of one kind apart.
    /// - Returns: Whether anything changed.
    @discardableResult
    package mutating func take(_ report: DiscoveryReport, feed: Int, source: DiscoverySource, at now: MonotonicInstant)
        -> Bool
    {
        var updated = feeds[feed] ?? Feed(source: source)
        let before = updated
        var current: [PeerAddress: Sighting] = [:]
        for (position, suggestion) in report.suggestions.enumerated() where !isOwn(suggestion) {
            let known = updated.sightings[suggestion.address]
            current[suggestion.address] = Sighting(
                suggestion: suggestion, position: position,
                since: known?.goneSince == nil ? known?.since ?? now : now)
        }
        for var gone in Self.lingering(updated, current: current, at: now) {
            gone.goneSince = gone.goneSince ?? now
            current[gone.suggestion.address] = gone
        }
        updated.sightings = current
        updated.problems = report.problems
        feeds[feed] = updated
        return before.differs(from: updated)
    }

    /// Forgets what has been gone for long enough.
    ///
    /// - Returns: Whether anything changed.
    @discardableResult
    package mutating func expire(at now: MonotonicInstant) -> Bool {
        var changed = false
        for (key, feed) in feeds {
            let kept = feed.sightings.filter { $0.value.goneSince.map { now - $0 < Self.linger } ?? true }
            guard kept.count != feed.sightings.count else { continue }
            feeds[key]?.sightings = kept
            changed = true
        }
        return changed
    }

    /// Everything suggested at the moment: nodes with a claimed id first, by id, then addresses without one.
    package func peers(at now: MonotonicInstant) -> [SuggestedPeer] {
        let sightings = ranked()
        let claims = Dictionary(
            grouping: sightings.filter { $0.1.suggestion.id != nil }, by: \.1.suggestion.address
        ).mapValues { Set($0.compactMap(\.1.suggestion.id)) }
        var named: [NodeID: SuggestedPeer] = [:]
        var nameless: [PeerAddress: SuggestedPeer] = [:]
        for (source, sighting) in sightings {
            let address = sighting.suggestion.address
            let ids = sighting.suggestion.id.map { [$0] } ?? claims[address] ?? []
            for id in ids { named[id, default: SuggestedPeer(id: id, addresses: [])].add(sighting, source, at: now) }
            guard ids.isEmpty else { continue }
            nameless[address, default: SuggestedPeer(id: nil, addresses: [])].add(sighting, source, at: now)
        }
        return named.sorted { $0.key < $1.key }.map(\.value)
            + nameless.sorted { $0.key.description < $1.key.description }.map(\.value)
    }

    package func problems() -> [DiscoveryError] {
        feeds.sorted { ($0.value.source, $0.key) < ($1.value.source, $1.key) }.flatMap { _, feed in
            feed.problems.map { DiscoveryError(source: feed.source, text: $0) }
        }
    }

    private func isOwn(_ suggestion: Suggestion) -> Bool { ownID != nil && suggestion.id == ownID }

    /// The best first: what is named now, then the more trustworthy source, then the source's own order.
    private func ranked() -> [(DiscoverySource, Sighting)] {
        feeds.flatMap { key, feed in feed.sightings.values.map { (key, feed.source, $0) } }
            .sorted { left, right in
                let (leftGone, rightGone) = (left.2.goneSince != nil ? 1 : 0, right.2.goneSince != nil ? 1 : 0)
                return (leftGone, left.1, left.2.position, left.0, left.2.suggestion.address.description)
                    < (rightGone, right.1, right.2.position, right.0, right.2.suggestion.address.description)
            }
            .map { ($0.1, $0.2) }
    }

    /// What is no longer named and stays for now: the latest to go, if there are too many.
    private static func lingering(_ feed: Feed, current: [PeerAddress: Sighting], at now: MonotonicInstant)
        -> [Sighting]
    {
        guard feed.source == .mdns || feed.source == .registry else { return [] }
        let gone = feed.sightings.values.filter { sighting in
            current[sighting.suggestion.address] == nil && (sighting.goneSince.map { now - $0 < linger } ?? true)
        }
        guard gone.count > DiscoveryReport.maximumSuggestions else { return gone }
        let latest = gone.sorted { ($0.goneSince ?? now) > ($1.goneSince ?? now) }
        return Array(latest.prefix(DiscoveryReport.maximumSuggestions))
    }
}

extension SuggestionStore.Feed {
    fileprivate func differs(from other: Self) -> Bool {
        problems != other.problems || sightings.count != other.sightings.count
            || sightings.contains { address, sighting in
                guard let known = other.sightings[address] else { return true }
                return known.suggestion != sighting.suggestion || known.position != sighting.position
                    || known.goneSince != sighting.goneSince
            }
    }
}

extension SuggestedPeer {
    /// Sightings come best first, so what is known already goes before what is added.
    fileprivate mutating func add(
        _ sighting: SuggestionStore.Sighting, _ source: DiscoverySource, at now: MonotonicInstant
    ) {
        let suggestion = sighting.suggestion
        name = name ?? suggestion.name
        version = version ?? suggestion.version
        protocolVersion = protocolVersion ?? suggestion.protocolVersion
        guard addresses.count < Self.maximumAddresses, !addresses.contains(where: { $0.address == suggestion.address })
        else { return }
        addresses.append(
            SuggestedAddress(
                address: suggestion.address, source: source, knownFor: now - sighting.since,
                goneFor: sighting.goneSince.map { now - $0 }))
    }
}

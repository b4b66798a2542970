// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Addresses at which paired nodes answered before.
package struct RememberedAddresses: Discovery {
    private let records: @Sendable () -> AsyncStream<[PeerRecord]>

    /// - Parameter records: Gives the complete records whenever they change, and at once when they are known. Asked once
    ///   for each run; when the stream ends, nothing changes any more.
    package init(_ records: @escaping @Sendable () -> AsyncStream<[PeerRecord]>) { self.records = records }

    package var source: DiscoverySource { .remembered }

    package func run(_ report: @escaping @Sendable (DiscoveryReport) -> Void) async {
        var last = DiscoveryReport()
        report(last)
        for await records in records() {
            guard !Task.isCancelled else { return }
            let next = DiscoveryReport(suggestions: Self.suggestions(of: records))
            if next != last { report(next) }
            last = next
        }
        await Cancellation.wait()
    }

    /// The first address of every node before the second of any, so that no node's many addresses crowd out another.
    static func suggestions(of records: [PeerRecord]) -> [Suggestion] {
        let recent = records.sorted { ($0.lastSeen ?? .epoch) > ($1.lastSeen ?? .epoch) }
        let most = min(recent.map(\.addresses.count).max() ?? 0, SuggestedPeer.maximumAddresses)
        return (0..<most).flatMap { place in
            recent.compactMap { record in
                guard place < record.addresses.count else { return nil }
                return Suggestion(address: record.addresses[place], id: record.id, name: record.name)
            }
        }
    }
}

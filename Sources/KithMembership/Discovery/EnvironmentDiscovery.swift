// SPDX-License-Identifier: Apache-2.0

/// The suggestions of `PEER_ENDPOINTS`, which do not change while the node runs.
package struct EnvironmentDiscovery: Discovery {
    private let list: PeersFile

    package init(_ list: PeersFile) { self.list = list }

    package var source: DiscoverySource { .environment }

    package func run(_ report: @escaping @Sendable (DiscoveryReport) -> Void) async {
        report(
            DiscoveryReport(
                suggestions: list.suggestions, problems: list.problems.map { "PEER_ENDPOINTS, \($0)" }))
        await Cancellation.wait()
    }
}

// SPDX-License-Identifier: Apache-2.0

package import KithTransport

/// A cell that a bridge can ask, by whatever way.
package protocol CellUpstream: Sendable {
    var id: UpstreamID { get }
    /// As people know it: its URL, or `kin:` and the node's name.
    var label: String { get }
    /// Where it is, as far as that is known; the host and the port.
    var place: (host: String, port: Int)? { get }
    /// Sends the call and gives back what comes, whatever it is. May hold on past the call's limit, and be left alone then.
    ///
    /// - Throws: `ChatFailure`; ``LinkFailure``; `CancellationError`.
    func send(_ call: CellCall) async throws -> UpstreamReply
}

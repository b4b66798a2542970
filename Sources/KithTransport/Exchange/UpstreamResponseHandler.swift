// SPDX-License-Identifier: Apache-2.0

package import KithModel
package import NIOCore
package import NIOHTTP1

/// The first thing that comes of an answer.
package struct UpstreamHead: Sendable {
    package var status: Int
    package var headers: HTTPHeaders

    package init(status: Int, headers: HTTPHeaders) {
        self.status = status
        self.headers = headers
    }
}

/// What becomes of one request, told on the event loop that was named and never before the call that began it has
/// returned.
///
/// One head at most, then pieces, and exactly one ``ended(_:)`` last, unless the call is cancelled: then nothing more.
/// It may act on its ``UpstreamCall`` and begin other requests from within each of these.
package protocol UpstreamResponseHandler: AnyObject {
    func received(_ head: UpstreamHead)

    /// - Parameter piece: Of the body; never empty.
    func received(_ piece: ByteBuffer)

    /// All that came in one read has been told: the moment to flush what was relayed. Not called after ``ended(_:)``.
    func readEnded()

    /// - Parameter failure: `nil` when the answer is whole; else with `unreachable`, `timeout`, `interrupted`,
    ///   `invalidAnswer`, `invalidRequest` or, when this node stops, `cancelled`.
    func ended(_ failure: ChatFailure?)
}

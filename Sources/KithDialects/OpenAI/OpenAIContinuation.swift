// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Says in an event of a stream, as `x_kith`, that another node goes on with the answer from here.
///
/// The event adds nothing to the answer, and clients that do not know the field see an ordinary event.
package struct OpenAIContinuation: Codable, Sendable {
    private struct Fields: Codable, Sendable {
        var node: String
        var model: String
        var afterTokens: Int
        var reason: String

        private enum CodingKeys: String, CodingKey {
            case node, model, reason
            case afterTokens = "after_tokens"
        }
    }

    private var continued: Fields

    /// - Parameters:
    ///   - afterTokens: Tokens that the client has been given before.
    ///   - reason: Why the node before it did not go on.
    package init(node: NodeName, model: ModelID, afterTokens: Int, reason: ChatFailure.Code) {
        continued = Fields(
            node: node.rawValue, model: model.rawValue, afterTokens: afterTokens, reason: reason.rawValue)
    }
}

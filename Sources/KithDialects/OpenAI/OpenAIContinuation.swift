// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Says in an event of a stream, as `x_kith`, that another node goes on with the answer from here.
///
/// The event adds nothing to the answer, and clients that do not know the field see an ordinary event.
package struct OpenAIContinuation: Sendable {
    private let node: NodeName
    private let model: ModelID
    private let afterTokens: Int
    private let reason: ChatFailure.Code

    /// - Parameters:
    ///   - afterTokens: Tokens that the client has been given before.
    ///   - reason: Why the node before it did not go on.
    package init(node: NodeName, model: ModelID, afterTokens: Int, reason: ChatFailure.Code) {
        self.node = node
        self.model = model
        self.afterTokens = afterTokens
        self.reason = reason
    }

    /// The value of `x_kith`.
    var json: JSONObject {
        [
            "continued": [
                "node": .string(node.rawValue), "model": .string(model.rawValue),
                "after_tokens": .integer(Int64(afterTokens)), "reason": .string(reason.rawValue),
            ]
        ]
    }
}

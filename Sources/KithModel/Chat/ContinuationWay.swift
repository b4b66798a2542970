// SPDX-License-Identifier: Apache-2.0

/// How an engine goes on with an answer that another has begun.
package enum ContinuationWay: Hashable, Sendable {
    /// It takes what is there for the beginning of its own answer: the last message of a chat.
    case prefill(Prefill)
    /// It can only be asked anew; what it says is compared with what is there.
    case anew

    package struct Prefill: Hashable, Sendable {
        /// Fields that the engine's dialect wants beside the message.
        package var extensions: JSONObject
        /// Whether the beginning may end in white space.
        package var mayEndInSpace: Bool

        package init(extensions: JSONObject = [:], mayEndInSpace: Bool = true) {
            self.extensions = extensions
            self.mayEndInSpace = mayEndInSpace
        }
    }
}

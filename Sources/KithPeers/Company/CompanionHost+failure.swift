// SPDX-License-Identifier: Apache-2.0

package import KithCulture
import KithModel

extension ChatFailure {
    /// What a peer is told that gets no answer; never what was held back, or why.
    package init(_ refusal: CompanionHost.Refusal) {
        switch refusal {
        case .busy: self.init(.overloaded, "this node is needed by its own user now", retryAfter: .seconds(60))
        case .tooOften(let wait):
            self.init(.rateLimited, "you have asked enough for now", retryAfter: max(wait, .seconds(1)))
        case .unclear(let why): self.init(.invalidRequest, "the prompt is not understood: \(why)", field: "prompt")
        case .heldBack: self.init(.overloaded, "there is nothing to say to that now", retryAfter: .seconds(60))
        }
    }
}

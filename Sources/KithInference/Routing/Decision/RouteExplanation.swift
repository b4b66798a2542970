// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// A decision for those who want to know why, and what they would be told if nobody could be asked.
package struct RouteExplanation: Sendable {
    package var wanted: RouteRequest
    package var decision: RouteDecision
    /// When it was made.
    package var at: Moment

    /// What the client would get; `nil` when there is somebody to ask.
    package var refusal: ChatFailure? { decision.choices.isEmpty ? decision.refusal(of: wanted, now: at) : nil }
}

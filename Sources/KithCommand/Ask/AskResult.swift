// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What `kith ask --json` prints.
package struct AskResult: Sendable, Encodable {
    package var answer: String
    package var model: String?
    package var finishReason: String?
    package var route: RouteNote
    package var usage: JSONValue?
    /// Left out when nobody had to go on with it.
    package var continuations: [JSONValue]?

    package init(_ transcript: AskTranscript, route: RouteNote) {
        answer = transcript.text
        model = transcript.model
        finishReason = transcript.finishReason
        usage = transcript.usage
        continuations = transcript.continuations.isEmpty ? nil : transcript.continuations
        self.route = route
    }

    private enum CodingKeys: String, CodingKey {
        case answer, model, route, usage, continuations
        case finishReason = "finish_reason"
    }
}

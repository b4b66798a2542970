// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What `kith ask --json` prints.
package struct AskResult: Sendable, Encodable {
    package var answer: String
    package var model: String?
    package var finishReason: String?
    package var route: RouteNote
    package var usage: JSONValue?

    package init(_ transcript: AskTranscript, route: RouteNote) {
        answer = transcript.text
        model = transcript.model
        finishReason = transcript.finishReason
        usage = transcript.usage
        self.route = route
    }

    private enum CodingKeys: String, CodingKey {
        case answer, model, route, usage
        case finishReason = "finish_reason"
    }
}

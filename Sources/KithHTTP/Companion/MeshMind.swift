// SPDX-License-Identifier: Apache-2.0

package import KithCulture
package import KithInference
package import KithModel

/// Lets the best engine of the mesh word what a node says for company.
package struct MeshMind: CompanionMind {
    private let dispatcher: Dispatcher

    package init(dispatcher: Dispatcher) { self.dispatcher = dispatcher }

    package func word(_ request: ChatRequest) async throws -> Worded {
        let routed: RoutedAnswer
        do {
            routed = try await dispatcher.dispatch(request)
        } catch let failure as DispatchFailure {
            throw failure.failure
        }
        guard case .whole(let answer) = routed.body else {
            throw ChatFailure(.invalidAnswer, "the engine answered in another dialect than it was asked in")
        }
        return Worded(text: answer.message.text, model: routed.model, usage: answer.usage)
    }
}

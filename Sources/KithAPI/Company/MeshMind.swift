// SPDX-License-Identifier: Apache-2.0

package import KithCulture
package import KithInference
package import KithModel

/// Lets the best engine of the mesh word what a node says for company.
package struct MeshMind: CompanionMind {
    /// For the few words that one question asks for, on a slow engine.
    private static let limit = Duration.seconds(120)

    private let dispatcher: Dispatcher
    private let clock: any TimeSource

    package init(dispatcher: Dispatcher, clock: any TimeSource) {
        self.dispatcher = dispatcher
        self.clock = clock
    }

    package func word(_ request: ChatRequest) async throws -> Worded {
        var request = request
        request.deadline = clock.now + Self.limit
        let routed: RoutedAnswer
        do {
            routed = try await dispatcher.dispatch(request)
        } catch let failure as DispatchFailure {
            throw failure.failure.code == .cancelled ? CancellationError() : failure.failure
        }
        guard case .whole(let answer) = routed.body else {
            throw ChatFailure(.invalidAnswer, "the engine answered in another dialect than it was asked in")
        }
        return Worded(text: answer.message.text, model: routed.model, usage: answer.usage)
    }
}

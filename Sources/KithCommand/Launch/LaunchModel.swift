// SPDX-License-Identifier: Apache-2.0

package import KithDialects
import KithModel

/// Which of the network's models a program is to use, and how many tokens it holds.
package struct LaunchModel: Hashable, Sendable {
    package var name: String
    package var context: Int?

    package init(name: String, context: Int?) {
        self.name = name
        self.context = context
    }

    /// The model that was asked for. An alias stays one: its context is that of the model it stands for now.
    ///
    /// - Parameter route: Where a request for it would go now; `nil` when that is not known.
    /// - Throws: ``CommandError`` when nobody offers it.
    package static func named(
        _ name: String, in models: [OpenAIModel], route: RouteMessage.Explanation?
    ) throws(CommandError) -> LaunchModel {
        guard let found = models.first(where: { ModelID($0.id).isMeant(by: ModelID(name)) }) else {
            let names = models.prefix(8).map(\.id.printable).joined(separator: ", ")
            let others = models.isEmpty ? "no model at all is offered" : "there are \(names)"
            throw CommandError(
                .notAnswered, "no machine offers the model '\(name.printable.truncated(toWidth: 80))'; \(others)")
        }
        let resolved = models.first { $0.id == route?.model }
        return LaunchModel(name: found.id, context: found.contextLength ?? resolved?.contextLength)
    }

    /// The best model for a program: the first candidate that holds the program's first request, else the first.
    ///
    /// - Parameter route: Where a request with tools that names no model would go now.
    /// - Throws: ``CommandError`` when there is none.
    package static func best(
        for program: LaunchProgram, of route: RouteMessage.Explanation, in models: [OpenAIModel]
    ) throws(CommandError) -> LaunchModel {
        let candidates = route.candidates.map { candidate in
            LaunchModel(
                name: candidate.model, context: models.first { $0.id == candidate.model }?.contextLength)
        }
        let least = program.openingTokens ?? 0
        guard let model = candidates.first(where: { $0.context.map { $0 > least } ?? true }) ?? candidates.first else {
            let reason = route.refusal?.printable ?? "no machine in reach has a model that answers"
            throw CommandError(.notAnswered, "there is no model for \(program.title): \(reason)")
        }
        return model
    }
}

/// A request as agents make them, to ask where it would go.
package struct LaunchProbe: Encodable, Sendable {
    private struct Message: Encodable {
        var role = "user"
        var content = "hello"
    }

    private struct Tool: Encodable {
        struct Function: Encodable {
            var name = "read_file"
            var parameters = ["type": "object"]
        }

        var type = "function"
        var function = Function()
    }

    private let model: String
    private let messages = [Message()]
    private let tools = [Tool()]

    private enum CodingKeys: String, CodingKey { case model, messages, tools }

    /// - Parameter model: `nil` leaves the choice to the node.
    package init(model: String? = nil) { self.model = model ?? "auto" }
}

// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What a program that is launched is to ask: the node, the models, and what is known of them.
package struct LaunchTarget: Sendable {
    /// What is sent where a node wants no key but the program insists on having one.
    private static let placeholder = "unused"

    package var node: HTTPAddress
    /// `nil` where the node asks for none.
    package var key: Secret?
    package var model: String
    /// For titles, summaries and the like.
    package var smallModel: String
    /// Tokens that prompt and answer may have together with ``model``; `nil` when unknown.
    package var context: Int?
    /// The file of the authority that vouches for the certificate of a node of this machine.
    package var authority: String?

    /// - Parameter smallModel: `nil` stands for `model`.
    package init(node: HTTPAddress, key: Secret?, model: String, smallModel: String? = nil, context: Int? = nil) {
        self.node = node
        self.key = key
        self.model = model
        self.smallModel = smallModel ?? model
        self.context = context
    }

    /// Where Anthropic's dialect is expected to begin.
    var root: String { node.description }

    /// Where OpenAI's dialects are expected to begin.
    var versioned: String { root + "/v1" }

    /// The variable that hands the key over, under the name that a program reads.
    func keyVariable(_ name: String) -> LaunchSettings.Variable {
        .init(name, key?.reveal() ?? Self.placeholder, isSecret: key != nil)
    }
}

/// What a program needs to be told to ask a node, for one start of it.
package struct LaunchSettings: Sendable {
    package struct Variable: Hashable, Sendable {
        package var name: String
        package var value: String
        package var isSecret: Bool

        package init(_ name: String, _ value: String, isSecret: Bool = false) {
            self.name = name
            self.value = value
            self.isSecret = isSecret
        }
    }

    package var environment: [Variable]
    /// Variables that would lead the program elsewhere.
    package var removed: [String]
    /// What comes before the user's own arguments.
    package var arguments: [String]
    /// What the user should know, each a sentence without its full stop.
    package var notes: [String]

    package init(
        environment: [Variable] = [], removed: [String] = [], arguments: [String] = [], notes: [String] = []
    ) {
        self.environment = environment
        self.removed = removed
        self.arguments = arguments
        self.notes = notes
    }
}

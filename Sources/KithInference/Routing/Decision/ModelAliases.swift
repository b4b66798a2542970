// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Names that stand for several models, of which the one that answers soonest is taken.
package struct ModelAliases: Hashable, Sendable {
    package enum Meaning: Hashable, Sendable {
        /// Any of these.
        case anyOf([ModelID])
        /// The soonest of all that are known to answer.
        case fastest
        /// One for programming; any where there is none.
        case code
    }

    /// What a node offers first; not an alias like the others, since it is the same as to name no model.
    package static let automatic: ModelID = "auto"
    package static let fast: ModelID = "fast"
    package static let code: ModelID = "code"
    /// Aliases that may be defined.
    package static let countLimit = 64
    /// Models that one may stand for.
    package static let memberLimit = 32

    /// A model whose name holds one of these, in letters of any case, is one for programming.
    package static let codeWords = ["code", "coding", "coder", "codestral", "devstral", "starcoder"]

    private let defined: [ModelID: [ModelID]]

    /// - Parameter defined: What is beyond the limits is left out.
    package init(_ defined: [ModelID: [ModelID]] = [:]) {
        let kept = defined.filter { $0.key != Self.automatic }.sorted { $0.key < $1.key }.prefix(Self.countLimit)
        self.defined = Dictionary(
            uniqueKeysWithValues: kept.map { ($0.key, Array($0.value.prefix(Self.memberLimit))) })
    }

    /// Every name that may be asked for beside the models' own.
    package var names: [ModelID] {
        [Self.automatic] + Set([Self.fast, Self.code]).union(defined.keys).sorted()
    }

    package func meaning(of name: ModelID) -> Meaning? {
        if let models = defined[name] { return .anyOf(models) }
        switch name {
        case Self.fast: return .fastest
        case Self.code: return .code
        default: return nil
        }
    }

    package static func isForCode(_ model: ModelID) -> Bool {
        let name = model.rawValue.lowercased()
        return codeWords.contains { name.contains($0) }
    }
}

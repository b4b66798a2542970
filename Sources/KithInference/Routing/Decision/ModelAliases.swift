// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Names that stand for several models, of which the one that answers soonest is taken.
package struct ModelAliases: Hashable, Sendable {
    package enum Meaning: Hashable, Sendable {
        /// Any of these.
        case anyOf([ModelID])
        /// The soonest of all that are known to answer.
        case fastest
        /// A model for programming; any model if there is none.
        case code
    }

    /// What a node offers first; not an alias like the others, since it means the same as naming no model.
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

    /// Every name that may be asked for besides the models' own.
    package var names: [ModelID] {
        [Self.automatic] + Set([Self.fast, Self.code]).union(defined.keys).sorted()
    }

    /// - Parameter name: Also with the tag that Ollama's programs put after every name.
    package func meaning(of name: ModelID) -> Meaning? {
        if name.rawValue.hasSuffix(":latest"), defined[name] == nil {
            return meaning(of: ModelID(String(name.rawValue.dropLast(":latest".count))))
        }
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

/// Which of a node's models may answer a request.
enum WantedModels {
    case first
    case anyOf([ModelID])
    /// Those with one of these digests, under whatever name.
    case sameAs(Set<String>)
    case fastest
    case code

    /// If a model is offered under the name of an alias, the model is meant, not the alias.
    init(_ request: RouteRequest, among nodes: [NodeSnapshot], aliases: ModelAliases) {
        guard let name = request.model else {
            self = .first
            return
        }
        guard let meaning = aliases.meaning(of: name),
            !Self.kin(among: nodes, offer: { Self.match(name, in: $0) != nil })
        else {
            self = name == ModelAliases.automatic ? .first : .anyOf([name])
            return
        }
        switch meaning {
        case .anyOf(let names): self = .anyOf(names)
        case .fastest: self = .fastest
        case .code:
            let isOffered = Self.kin(among: nodes.filter(\.mayAnswer)) { models in
                models.contains { $0.isForAnybody && ModelAliases.isForCode($0.id) }
            }
            self = isOffered ? .code : .first
        }
    }

    /// Of what a node offers. A model that runs at a provider, or only embeds, is used for a prompt only when it is
    /// named.
    ///
    /// - Parameter isSuited: Whether a model can do what the request needs, as far as is known; where none can, the first is
    ///   asked all the same.
    func chosen(
        from offered: [ModelInfo], for purpose: RouteRequest.Purpose, isMeasured: (ModelID) -> Bool,
        isSuited: (ModelInfo) -> Bool = { _ in true }
    ) -> [ModelInfo] {
        if case .anyOf(let names) = self { return names.compactMap { Self.match($0, in: offered) } }
        if case .sameAs(let digests) = self {
            return offered.first { $0.digest.map(digests.contains) ?? false }.map { [$0] } ?? []
        }
        let models =
            switch purpose {
            case .chat: offered.filter(\.isForAnybody)
            case .embedding: offered.filter { $0.embeds && (!$0.runsElsewhere || $0.isPreferred) }
            case .service(let service): Self.models(for: service, of: offered)
            }
        switch self {
        case .first, .anyOf, .sameAs: return (models.first(where: isSuited) ?? models.first).map { [$0] } ?? []
        case .fastest:
            // A node may hold dozens of models, each of which it would have to load before it is known.
            return models.enumerated().filter { $0.offset == 0 || isMeasured($0.element.id) }.map(\.element)
        case .code: return models.filter { ModelAliases.isForCode($0.id) }
        }
    }

    /// Those that are for it as far as their names tell; any, where no name does.
    private static func models(for service: EngineService, of offered: [ModelInfo]) -> [ModelInfo] {
        let usable = offered.filter { !$0.runsElsewhere || $0.isPreferred }
        let suited = usable.filter { service.suits($0.id) }
        return suited.isEmpty ? usable : suited
    }

    /// The names that were given; empty when any model will do.
    var names: [ModelID] { if case .anyOf(let names) = self { names } else { [] } }

    /// The same models for nodes that do not have the name; `nil` where nobody's engine says what they are.
    func underOtherNames(among nodes: [NodeSnapshot]) -> WantedModels? {
        let kin = nodes.filter { $0.tier == .kin }
        let digests = Set(names.flatMap { name in kin.compactMap { Self.match(name, in: $0.models)?.digest } })
        return digests.isEmpty ? nil : .sameAs(digests)
    }

    static func match(_ wanted: ModelID, in models: [ModelInfo]) -> ModelInfo? {
        models.first { $0.id == wanted } ?? models.first { $0.id.isMeant(by: wanted) }
    }

    private static func kin(among nodes: [NodeSnapshot], offer isOffered: ([ModelInfo]) -> Bool) -> Bool {
        nodes.contains { $0.tier == .kin && isOffered($0.models) }
    }
}

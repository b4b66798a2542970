// SPDX-License-Identifier: Apache-2.0

import KithModel

/// Which of a node's models may answer a request.
enum WantedModels {
    case first
    case anyOf([ModelID])
    case fastest
    case code

    /// A model that is offered under the very name of an alias is meant, not the alias.
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

    /// Of what a node offers. What runs at a provider, or only embeds, is taken for a prompt only when it is named.
    func chosen(
        from offered: [ModelInfo], for purpose: RouteRequest.Purpose, isMeasured: (ModelID) -> Bool
    ) -> [ModelInfo] {
        if case .anyOf(let names) = self { return names.compactMap { Self.match($0, in: offered) } }
        let models =
            switch purpose {
            case .chat: offered.filter(\.isForAnybody)
            case .embedding: offered.filter { $0.embeds && (!$0.runsElsewhere || $0.isPreferred) }
            }
        switch self {
        case .first, .anyOf: return Array(models.prefix(1))
        case .fastest:
            // A node may hold dozens of models, each of which it would have to load before it is known.
            return models.enumerated().filter { $0.offset == 0 || isMeasured($0.element.id) }.map(\.element)
        case .code: return models.filter { ModelAliases.isForCode($0.id) }
        }
    }

    /// The names that were given; empty when any model will do.
    var names: [ModelID] { if case .anyOf(let names) = self { names } else { [] } }

    static func match(_ wanted: ModelID, in models: [ModelInfo]) -> ModelInfo? {
        models.first { $0.id == wanted } ?? models.first { $0.id.isMeant(by: wanted) }
    }

    private static func kin(among nodes: [NodeSnapshot], offer isOffered: ([ModelInfo]) -> Bool) -> Bool {
        nodes.contains { $0.tier == .kin && isOffered($0.models) }
    }
}

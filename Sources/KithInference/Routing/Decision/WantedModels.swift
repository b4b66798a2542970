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
            let isOffered = Self.kin(among: nodes.filter { $0.reachability == .up && !$0.isDraining }) { models in
                models.contains { ModelAliases.isForCode($0.id) }
            }
            self = isOffered ? .code : .first
        }
    }

    /// - Parameter models: What a node offers for the request's purpose.
    func chosen(from models: [ModelInfo], isMeasured: (ModelID) -> Bool) -> [ModelInfo] {
        switch self {
        case .first: Array(models.prefix(1))
        case .anyOf(let names):
            names.compactMap { Self.match($0, in: models) }
        case .fastest:
            // A node may hold dozens of models, each of which it would have to load before it is known.
            models.enumerated().filter { $0.offset == 0 || isMeasured($0.element.id) }.map(\.element)
        case .code: models.filter { ModelAliases.isForCode($0.id) }
        }
    }

    /// A name matches itself, and with Ollama's implied tag `latest`.
    private static func match(_ wanted: ModelID, in models: [ModelInfo]) -> ModelInfo? {
        models.first { $0.id == wanted } ?? models.first { $0.id.rawValue == wanted.rawValue + ":latest" }
    }

    private static func kin(among nodes: [NodeSnapshot], offer isOffered: ([ModelInfo]) -> Bool) -> Bool {
        nodes.contains { $0.tier == .kin && isOffered($0.models) }
    }
}

// SPDX-License-Identifier: Apache-2.0

package import KithModel

extension ModelAliases {
    /// The models that may answer a request for one, of somebody who may ask for some only.
    ///
    /// Who may ask for some models gets these and the aliases among them; of `auto` and other aliases what is among them.
    ///
    /// - Parameter allowed: Models and aliases; empty for all.
    /// - Returns: Empty for all, `nil` for a model that may not be asked for.
    package func models(for asked: ModelID?, among allowed: [ModelID]) -> [ModelID]? {
        if allowed.isEmpty { return [] }
        if let asked, asked != Self.automatic {
            if allowed.contains(where: { asked.isMeant(by: $0) }) { return [] }
            if meaning(of: asked) == nil { return nil }
        }
        return allowed
            + allowed.flatMap { name in
                if case .anyOf(let models)? = meaning(of: name) { models } else { [ModelID]() }
            }
    }
}

// SPDX-License-Identifier: Apache-2.0

import KithModel

/// Whether a model may be taken off the disk: decided here, and nowhere else.
enum Removal {
    /// - Parameters:
    ///   - running: Requests that its engine answers now.
    static func refusal(
        of model: KeptModel, running: Int, isPulling: Bool, isForced: Bool
    ) -> ModelRefusal? {
        if isPulling { return ModelRefusal(.pulling, "\(model.id) is being pulled; end that first") }
        if isForced { return nil }
        if model.isPreferred {
            return ModelRefusal(
                .preferred,
                "\(model.id) is the model that the settings name for prompts which name none; name another one first, or "
                    + "force it")
        }
        guard running > 0, [.loaded, .loading, .unknown].contains(model.residency) else { return nil }
        return ModelRefusal(
            .inUse, "\(model.id) is loaded, and its engine is answering prompts; wait until it has, or force it")
    }
}

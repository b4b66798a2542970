// SPDX-License-Identifier: Apache-2.0

/// Why a node does not do what its owner wants done with a model.
package struct ModelRefusal: Error, Hashable, Sendable {
    package enum Reason: String, Sendable, CaseIterable {
        /// No engine here has a model of this name.
        case unknownModel = "unknown_model"
        /// The engine keeps its models where kith cannot change them.
        case fixedModels = "fixed_models"
        /// There is no engine, or none that is meant.
        case noEngine = "no_such_engine"
        /// Several engines could be meant.
        case severalEngines = "several_engines"
        /// A name that no engine would take.
        case badName = "bad_name"
        /// There is another model of the name already.
        case nameTaken = "name_taken"
        /// The settings name it for prompts that name none.
        case preferred
        /// It is loaded, and prompts are being answered.
        case inUse = "in_use"
        /// It is being pulled.
        case pulling
        /// There is no pull of it.
        case notPulling = "not_pulling"
        /// As many pulls, or loads, are under way as may be.
        case busy
        /// The disk has no room for it.
        case diskFull = "disk_full"
        /// The owner's budget has no room for it.
        case overBudget = "over_budget"
        /// Its weights cannot be copied: they are in no files that are known, or in none that the engine here takes.
        case noWeights = "no_weights"
        /// What came is not what its digest says, from every machine that has it.
        case damagedWeights = "damaged_weights"
        /// No machine that has the weights can be asked any more; what has come is kept.
        case sourceLost = "source_lost"
        /// The engine failed, or cannot be asked.
        case engineFailed = "engine_failed"
    }

    package var reason: Reason
    /// One sentence, with what to do.
    package var message: String

    package init(_ reason: Reason, _ message: String) {
        self.reason = reason
        self.message = message
    }

    /// What an engine's error means for its owner.
    package init(_ failure: ChatError) {
        switch failure.code {
        case .unsupported: self.init(.fixedModels, failure.message)
        case .modelNotFound: self.init(.unknownModel, failure.message)
        default: self.init(.engineFailed, failure.message)
        }
    }
}

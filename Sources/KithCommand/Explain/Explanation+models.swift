// SPDX-License-Identifier: Apache-2.0

import KithModel

extension Explanation {
    init(_ reason: ModelRefusal.Reason) {
        let (meaning, remedy) =
            switch reason {
            case .unknownModel: ("No engine there has a model of that name.", "See the names: kith model list.")
            case .fixedModels:
                (
                    "The engine keeps its models where kith cannot change them.",
                    "Do what the message says, or use Ollama."
                )
            case .noEngine: ("There is no engine, or none that is meant.", "Start Ollama, or see kith engine status.")
            case .severalEngines: ("Several engines could be meant.", "Name one with --engine.")
            case .badName: ("No engine would take this name.", "Write it as the engine's library does.")
            case .nameTaken: ("There is a model of that name already.", "Take another name, or remove that model.")
            case .preferred:
                (
                    "The settings name this model for prompts that name none.",
                    "Set engine.model to another one, or use --force."
                )
            case .inUse: ("Prompts are being answered with it.", "Wait until they are, or use --force.")
            case .pulling: ("It is being pulled.", "Wait, or end that: kith model pull MODEL --cancel.")
            case .notPulling: ("There is no pull of it.", "See what is being pulled: kith model list.")
            case .busy: ("As many pulls or loads are under way as may be.", "Wait for one to end.")
            case .diskFull: ("The disk has no room for it.", "Remove something, such as a model.")
            case .overBudget: ("engine.disk_budget has no room for it.", "Remove a model, or raise that setting.")
            case .noWeights:
                (
                    "Its weights are in no files that a node knows, or in none that the other engine takes.",
                    "Look at the message; kith model pull gets it from the internet."
                )
            case .damagedWeights:
                (
                    "What came is not what its digest says, from every machine that has it.",
                    "Look at the disk of the machine that is named, or copy it from another one."
                )
            case .sourceLost:
                (
                    "No machine that has the weights answers any more; what has come is kept.",
                    "Say the same again when one does: the copy goes on."
                )
            case .engineFailed:
                ("The engine failed, or cannot be asked.", "Look at the message, and at the engine's own log.")
            }
        self.init(reason.rawValue, meaning, remedy)
    }
}

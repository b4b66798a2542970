// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Which models are on which machines, at `/api/place`.
package enum PlaceMessage {
    /// Models of a plan at most; more are cut.
    package static let limit = 256

    /// The answer to `GET /api/place`.
    package struct Plan: Codable, Hashable, Sendable {
        /// This node first.
        package var machines: [Machine]
        /// By name.
        package var models: [Model]
        /// What this node would do next by itself; missing where it would do nothing.
        package var ahead: Ahead?

        package init(machines: [Machine], models: [Model], ahead: Ahead? = nil) {
            self.machines = machines
            self.models = models
            self.ahead = ahead
        }
    }

    /// A model that is kept in memory, or loaded before it is asked for.
    package struct Ahead: Codable, Hashable, Sendable {
        package enum Deed: String, Codable, Sendable, CaseIterable { case keep, load }

        package var node: String
        package var model: String
        package var deed: Deed

        package init(node: String, model: String, deed: Deed) {
            self.node = node
            self.model = model
            self.deed = deed
        }
    }

    package struct Machine: Codable, Hashable, Sendable {
        package var node: String
        /// `up`, `asleep`, `down` or `unknown`.
        package var state: String
        /// Whether new prompts are to go elsewhere.
        package var isPaused: Bool
        /// Requests running and waiting there.
        package var active: Int
        package var slots: Int
        /// Why its engines could not be asked, so that what is said of its models is what was heard last; missing where they
        /// could.
        package var problem: String?
        /// Missing where it was not measured.
        package var machine: MachineMessage?

        package init(
            node: String, state: String, isPaused: Bool, active: Int, slots: Int, problem: String?,
            machine: MachineMessage?
        ) {
            self.node = node
            self.state = state
            self.isPaused = isPaused
            self.active = active
            self.slots = slots
            self.problem = problem
            self.machine = machine
        }

        private enum CodingKeys: String, CodingKey {
            case node, state, active, slots, problem, machine
            case isPaused = "paused"
        }
    }

    package struct Model: Codable, Hashable, Sendable {
        package var name: String
        /// Of its weights; missing where no engine says.
        package var sizeBytes: Int?
        /// Of memory, while it is loaded: as an engine says that has it loaded, else what is assumed for its size.
        package var needBytes: Int?
        /// One for each machine, in the order of the machines.
        package var places: [Place]
        /// Who would answer the next prompt; missing where nobody can.
        package var next: Next?
        /// Why nobody can answer.
        package var refusal: String?

        package init(
            name: String, sizeBytes: Int?, needBytes: Int?, places: [Place], next: Next?, refusal: String?
        ) {
            self.name = name
            self.sizeBytes = sizeBytes
            self.needBytes = needBytes
            self.places = places
            self.next = next
            self.refusal = refusal
        }

        private enum CodingKeys: String, CodingKey {
            case name, places, next, refusal
            case sizeBytes = "size_bytes"
            case needBytes = "need_bytes"
        }
    }

    /// A model on a machine.
    package struct Place: Codable, Hashable, Sendable {
        package var node: String
        /// Missing where the machine does not have it.
        package var residency: Residency?
        /// That it takes there now.
        package var memoryBytes: Int?
        /// RFC 3339, or `always`.
        package var loadedUntil: String?
        /// Of memory, that the machine has too little to load it; missing where it has room or nobody knows.
        package var missingBytes: Int?

        package init(
            node: String, residency: Residency?, memoryBytes: Int? = nil, loadedUntil: String? = nil,
            missingBytes: Int? = nil
        ) {
            self.node = node
            self.residency = residency
            self.memoryBytes = memoryBytes
            self.loadedUntil = loadedUntil
            self.missingBytes = missingBytes
        }

        private enum CodingKeys: String, CodingKey {
            case node, residency
            case memoryBytes = "memory_bytes"
            case loadedUntil = "loaded_until"
            case missingBytes = "missing_bytes"
        }
    }

    /// Who would answer a short prompt for a model now.
    package struct Next: Codable, Hashable, Sendable {
        package var node: String
        package var reason: String
        /// Until the answer would be whole.
        package var waitMilliseconds: Double
        /// Of that, for loading the model.
        package var coldLoadMilliseconds: Double

        package init(node: String, reason: String, waitMilliseconds: Double, coldLoadMilliseconds: Double) {
            self.node = node
            self.reason = reason
            self.waitMilliseconds = waitMilliseconds
            self.coldLoadMilliseconds = coldLoadMilliseconds
        }

        private enum CodingKeys: String, CodingKey {
            case node, reason
            case waitMilliseconds = "wait_ms"
            case coldLoadMilliseconds = "cold_load_ms"
        }
    }
}

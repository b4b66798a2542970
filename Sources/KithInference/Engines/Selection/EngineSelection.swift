// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// The engine a node starts with, and why: a pure function of the settings and of what was found on the machine.
package struct EngineSelection: Hashable, Sendable {
    package enum Engine: Hashable, Sendable {
        case ollama, openAI, anthropic
        /// The owner's `llama-server` with the owner's GGUF file.
        case llamaServer(executable: String, model: String)
        case embedded
        case echo, count
        /// Every prompt goes to kin.
        case none
    }

    /// An engine that was not taken, and why.
    package struct Skip: Hashable, Sendable {
        package var name: String
        package var reason: String
        /// Whether it answers and was not taken all the same, because it is somebody else's.
        package var isDistrusted: Bool

        package init(name: String, reason: String, isDistrusted: Bool = false) {
            self.name = name
            self.reason = reason
            self.isDistrusted = isDistrusted
        }
    }

    package var engine: Engine
    /// One sentence.
    package var reason: String
    package var skipped: [Skip]
    /// Whose program the engine is, where it was looked for and that can be known.
    package private(set) var owner: ListenerOwner?

    package init(choice: EngineChoice, findings: EngineFindings) {
        skipped = []
        switch choice {
        case .none: (engine, reason) = (.none, "the settings say that this node has no engine")
        case .fixed(let kind): (engine, reason) = (Engine(kind), "the settings name it")
        case .automatic:
            for candidate in Self.candidates(findings) {
                switch candidate {
                case .success(let taken):
                    (engine, reason, owner) = (taken.engine, taken.reason, taken.owner)
                    return
                case .failure(let skip): skipped.append(skip)
                }
            }
            (engine, reason) = (.none, "no engine was found on this machine; kith engine install puts one there")
        }
    }

    private struct Taken {
        var engine: Engine
        var reason: String
        var owner: ListenerOwner?
    }

    private static func candidates(_ findings: EngineFindings) -> [Result<Taken, Skip>] {
        [
            findings.ollama.map { found in
                let whose = found.owner.map { ", a program of \($0)" } ?? ""
                return Taken(
                    engine: .ollama, reason: "Ollama answers at \(found.address)" + whose, owner: found.owner)
            },
            findings.llamaServer.map {
                Taken(
                    engine: .llamaServer(executable: $0.executable, model: $0.model),
                    reason: "\($0.executable) is here and a model is set for it")
            },
            findings.embedded.map { Taken(engine: .embedded, reason: "\($0.engine) is installed") },
        ]
    }
}

extension EngineSelection.Skip: Error {}

extension EngineSelection.Engine {
    fileprivate init(_ kind: EngineKind) {
        self =
            switch kind {
            case .ollama: .ollama
            case .openAI: .openAI
            case .anthropic: .anthropic
            case .embedded: .embedded
            case .echo: .echo
            case .count: .count
            }
    }
}

/// What was found on the machine: each engine that can be used, or why it cannot.
package struct EngineFindings: Sendable {
    package struct Ollama: Hashable, Sendable {
        package var address: HTTPAddress
        /// Whose it is; `nil` where that cannot be known.
        package var owner: ListenerOwner?

        package init(address: HTTPAddress, owner: ListenerOwner? = nil) {
            self.address = address
            self.owner = owner
        }
    }

    package struct Server: Hashable, Sendable {
        package var executable: String
        package var model: String

        package init(executable: String, model: String) {
            self.executable = executable
            self.model = model
        }
    }

    package var ollama: Result<Ollama, EngineSelection.Skip>
    package var llamaServer: Result<Server, EngineSelection.Skip>
    package var embedded: Result<EmbeddedVersions, EngineSelection.Skip>

    package init(
        ollama: Result<Ollama, EngineSelection.Skip>, llamaServer: Result<Server, EngineSelection.Skip>,
        embedded: Result<EmbeddedVersions, EngineSelection.Skip>
    ) {
        self.ollama = ollama
        self.llamaServer = llamaServer
        self.embedded = embedded
    }
}

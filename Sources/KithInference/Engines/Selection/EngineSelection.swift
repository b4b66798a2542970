// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// The engine a node starts with, and why: a pure function of the settings and of what was found on the machine.
package struct EngineSelection: Hashable, Sendable {
    package indirect enum Engine: Hashable, Sendable {
        case ollama, openAI, anthropic
        /// A local server that speaks OpenAI's API, with what it is called, up to and including `/v1`.
        case server(String, HTTPAddress)
        /// The owner's `llama-server` with the owner's GGUF file.
        case llamaServer(executable: String, model: String)
        case embedded
        case echo, count
        /// One of the owner's list. Asked only for a model that is named where there are others and it is at a provider.
        case listed(ListedEngine, isAlone: Bool)
        /// At least two, without this and without ``none``.
        case several([Engine])
        /// Every prompt goes to kin.
        case none

        /// Whether the node starts a process for it.
        package var isOwnProcess: Bool {
            switch self {
            case .embedded, .llamaServer: true
            case .listed(let engine, _): engine.kind == .embedded
            default: false
            }
        }
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

    package init(
        choice: EngineChoice, listed: [ListedEngine] = [], automaticPlace: Int? = nil, findings: EngineFindings
    ) {
        switch choice {
        case .none: self.init(.none, because: EngineChoice.noneWords)
        case .fixed(let kind): self.init(Engine(kind), because: "the settings name it")
        case .automatic:
            let (taken, skipped) = Self.found(findings, besides: [])
            self.init(taken, skipped)
        case .listed:
            var (found, skipped): ([Taken], [Skip]) = ([], [])
            if automaticPlace != nil { (found, skipped) = Self.found(findings, besides: listed) }
            let isAlone = listed.count == 1 && automaticPlace == nil
            var taken = listed.map { engine in
                Taken(engine: .listed(engine, isAlone: isAlone), reason: "the settings list \(engine)")
            }
            taken.insert(contentsOf: found, at: min(automaticPlace ?? 0, taken.count))
            self.init(taken, skipped)
        }
    }

    private init(_ engine: Engine, because reason: String, _ skipped: [Skip] = [], owner: ListenerOwner? = nil) {
        self.engine = engine
        self.reason = reason
        self.skipped = skipped
        self.owner = owner
    }

    private init(_ taken: [Taken], _ skipped: [Skip]) {
        guard let first = taken.first else {
            self.init(
                .none, because: "no engine was found on this machine; kith engine install puts one there", skipped)
            return
        }
        self.init(
            taken.count == 1 ? first.engine : .several(taken.map(\.engine)),
            because: taken.map(\.reason).joined(separator: "; "), skipped, owner: first.owner)
    }

    /// What is found on the machine and not listed.
    private static func found(
        _ findings: EngineFindings, besides listed: [ListedEngine]
    ) -> (taken: [Taken], skipped: [Skip]) {
        var (taken, skipped): ([Taken], [Skip]) = ([], [])
        for candidate in candidates(findings) + findings.servers.map(server) {
            switch candidate {
            case .success(let found) where found.isOneOf(listed): continue
            case .success(let found): taken.append(found)
            case .failure(let skip): skipped.append(skip)
            }
        }
        guard taken.isEmpty, listed.isEmpty else { return (taken, skipped.filter(\.isDistrusted)) }
        // A small model of its own is for machines that have nothing else.
        switch findings.embedded {
        case .success(let found): taken = [Taken(engine: .embedded, reason: "\(found.engine) is installed")]
        case .failure(let skip): skipped.append(skip)
        }
        return (taken, skipped)
    }

    /// All that are taken: none, one, or several.
    package var engines: [Engine] {
        switch engine {
        case .none: []
        case .several(let engines): engines
        default: [engine]
        }
    }

    private static func server(_ found: Result<EngineFindings.LocalServer, Skip>) -> Result<Taken, Skip> {
        found.map { found in
            let whose = found.owner.map { ", a program of \($0)" } ?? ""
            return Taken(
                engine: .server(found.name, found.address), reason: "\(found.name) answers at \(found.address)" + whose,
                owner: found.owner)
        }
    }

    private struct Taken {
        var engine: Engine
        var reason: String
        var owner: ListenerOwner?
        /// Where it answers, if it is one that listens.
        var found: HTTPAddress?

        /// Whether the owner listed what answers there.
        func isOneOf(_ listed: [ListedEngine]) -> Bool {
            guard let address else { return false }
            return listed.contains { listed in
                guard let place = listed.address else { return listed.kind == .ollama && engine == .ollama }
                return place.isSamePlace(as: address)
            }
        }

        private var address: HTTPAddress? {
            switch engine {
            case .server(_, let address): address
            default: found
            }
        }
    }

    private static func candidates(_ findings: EngineFindings) -> [Result<Taken, Skip>] {
        [
            findings.ollama.map { found in
                let whose = found.owner.map { ", a program of \($0)" } ?? ""
                return Taken(
                    engine: .ollama, reason: "Ollama answers at \(found.address)" + whose, owner: found.owner,
                    found: found.address)
            },
            findings.llamaServer.map {
                Taken(
                    engine: .llamaServer(executable: $0.executable, model: $0.model),
                    reason: "\($0.executable) is here and a model is set for it")
            },
        ]
    }
}

extension EngineSelection.Skip: Error {}

extension HTTPAddress {
    /// Whether both lead to one listener, by whichever name of this machine.
    fileprivate func isSamePlace(as other: HTTPAddress) -> Bool {
        port == other.port && (host == other.host || isOnLoopback && other.isOnLoopback)
    }
}

extension EngineSelection.Engine {
    init(_ kind: EngineKind) {
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

    /// A server that speaks OpenAI's API.
    package struct LocalServer: Hashable, Sendable {
        /// What it calls itself, or is called where it usually listens.
        package var name: String
        /// Up to and including `/v1`.
        package var address: HTTPAddress
        /// Whose it is; `nil` where that cannot be known.
        package var owner: ListenerOwner?

        package init(name: String, address: HTTPAddress, owner: ListenerOwner? = nil) {
            self.name = name
            self.address = address
            self.owner = owner
        }
    }

    package var ollama: Result<Ollama, EngineSelection.Skip>
    package var llamaServer: Result<Server, EngineSelection.Skip>
    package var embedded: Result<EmbeddedVersions, EngineSelection.Skip>
    /// Those that answer, and those that answer and are somebody else's.
    package var servers: [Result<LocalServer, EngineSelection.Skip>]

    package init(
        ollama: Result<Ollama, EngineSelection.Skip>, llamaServer: Result<Server, EngineSelection.Skip>,
        embedded: Result<EmbeddedVersions, EngineSelection.Skip>,
        servers: [Result<LocalServer, EngineSelection.Skip>] = []
    ) {
        self.ollama = ollama
        self.llamaServer = llamaServer
        self.embedded = embedded
        self.servers = servers
    }
}

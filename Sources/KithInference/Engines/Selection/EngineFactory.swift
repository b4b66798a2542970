// SPDX-License-Identifier: Apache-2.0

import KithDialects
package import KithModel
package import KithTransport
package import Logging
import NIOCore
import NIOHTTP1
package import ServiceLifecycle

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Looks at the machine, and makes the engine that was chosen.
package struct EngineFactory: Sendable {
    /// A look at the machine must not hold up the start of a node.
    package static let ollamaLimits = UpstreamLimits(
        connect: .milliseconds(500), firstByte: .milliseconds(400), stall: .milliseconds(100), bodyBytes: 64 << 10)

    private let settings: EngineSettings
    private let client: UpstreamClient
    private let secrets: (any SecretKeeper)?
    private let clock: any TimeSource
    private let logger: Logger
    private let ollamaLimits: UpstreamLimits
    private let owners: ListenerOwners.Look
    private let ownUser: UInt32

    /// - Parameters:
    ///   - secrets: Reads the keys, when the settings only say where they are stored.
    ///   - owners: Who listens where.
    ///   - ownUser: The one that this process runs as.
    package init(
        settings: EngineSettings, client: UpstreamClient, secrets: (any SecretKeeper)? = nil,
        clock: any TimeSource = MonotonicClock(), logger: Logger,
        ollamaLimits: UpstreamLimits = EngineFactory.ollamaLimits,
        owners: @escaping ListenerOwners.Look = ListenerOwners.onThisMachine, ownUser: UInt32 = ListenerOwners.ownUser
    ) {
        self.owners = owners
        self.ownUser = ownUser
        self.secrets = secrets
        self.ollamaLimits = ollamaLimits
        self.settings = settings
        self.client = client
        self.clock = clock
        self.logger = logger
    }

    /// Takes at most one second, and that only where engines are looked for.
    package func select() async -> EngineSelection {
        EngineSelection(
            choice: settings.choice, listed: settings.listed, automaticPlace: settings.automaticPlace,
            findings: await look())
    }

    /// What is on this machine; asks nothing when the settings leave no choice.
    package func look() async -> EngineFindings {
        guard settings.looksAround else {
            let skip = EngineSelection.Skip(name: "automatic", reason: "the settings leave no choice")
            return EngineFindings(ollama: .failure(skip), llamaServer: .failure(skip), embedded: .failure(skip))
        }
        async let ollama = lookForOllama()
        async let servers = lookForServers()
        return EngineFindings(
            ollama: await ollama, llamaServer: lookForLlamaServer(), embedded: lookForEmbedded(), servers: await servers
        )
    }

    /// - Returns: `nil` for a node without an engine. The services must run for as long as the engine is used.
    package func make(_ selection: EngineSelection) -> (engine: any ChatEngine, services: [any Service])? {
        make(selection.engine)
    }

    package func make(_ engine: EngineSelection.Engine) -> (engine: any ChatEngine, services: [any Service])? {
        let test = TestEngineSetup(settings: settings.test, clock: clock)
        switch engine {
        case .none: return nil
        case .several(let engines):
            let made = engines.compactMap { make($0) }
            return SeveralEngines.one(of: made.map(\.engine)).map { ($0, made.flatMap(\.services)) }
        case .server(let name, let address):
            let known = OpenAISettings(address: address, model: settings.openAI.model, slots: Self.serverSlots)
            return (
                OpenAICompatibleEngine(
                    settings: known, client: client, name: name, watch: watch(address, name), clock: clock), []
            )
        case .ollama:
            return (
                OllamaEngine(
                    settings: settings.ollama, client: client, watch: watch(settings.ollama.address, "Ollama"),
                    clock: clock),
                []
            )
        case .openAI:
            return (
                OpenAICompatibleEngine(settings: settings.openAI, client: client, secrets: secrets, clock: clock), []
            )
        case .anthropic:
            return (
                AnthropicEngine(settings: settings.anthropic, client: client, secrets: secrets, clock: clock), []
            )
        case .listed(let listed, let isAlone): return make(listed, isAlone: isAlone)
        case .echo: return (EchoEngine(setup: test), [])
        case .count: return (CountEngine(setup: test), [])
        case .embedded: return supervised(EmbeddedCommand(settings: settings.embedded))
        case .llamaServer(let executable, let model):
            return supervised(LlamaServerCommand(executable: executable, file: model, settings: settings.embedded))
        }
    }

    /// - Parameter isAlone: Whether it is the only engine: of several, one at a provider is asked only for a model that is named.
    private func make(_ listed: ListedEngine, isAlone: Bool) -> (engine: any ChatEngine, services: [any Service])? {
        // What holds for an engine by itself holds for a listed one of its kind, except that no key goes to another address.
        let own = EngineFactory(
            settings: settings.for(listed), client: client, secrets: secrets, clock: clock, logger: logger,
            ollamaLimits: ollamaLimits, owners: owners, ownUser: ownUser)
        guard let (engine, services) = own.make(EngineSelection.Engine(listed.kind)) else { return nil }
        let isForNamedOnly = engine.isRemote && !isAlone
        return (LimitedEngine(engine, models: listed.models, isForNamedOnly: isForNamedOnly), services)
    }

    private func supervised(_ command: some LlamaCommand) -> (engine: any ChatEngine, services: [any Service]) {
        let process = LlamaProcess(
            command: command, logFile: settings.embedded.logFile, health: LlamaHealthProbe(client: client),
            clock: clock, logger: logger)
        return (
            EmbeddedEngine(process: process, slots: settings.embedded.slots, client: client, clock: clock), [process]
        )
    }

    /// As many as Ollama runs at once by default; a server that can do less queues.
    private static let serverSlots = 4
    /// Users of the system that packages make for such servers.
    private static let serverUsers = [
        "llama", "llama-cpp", "llamacpp", "vllm", "localai", "local-ai", "lmstudio", "jan", "mlx",
    ]

    /// Watches who has the port of an engine that nobody named.
    private func watch(_ address: HTTPAddress, _ engine: String) -> OwnerWatch? {
        guard settings.looksAround else { return nil }
        return OwnerWatch(address: address, engine: engine, clock: clock) { [self] in stranger(at: address) }
    }

    /// Who listens there that prompts may not go to unless the owner says so.
    private func stranger(at address: HTTPAddress, among found: Set<ListenerOwner>? = nil) -> ListenerOwner? {
        let names = address == settings.ollama.address ? ["ollama"] : Self.serverUsers
        return (found ?? owners(address))?.first { owner in
            !names.contains { owner.isTrusted(asUserOf: $0, own: ownUser) }
        }
    }

    /// Servers that do not answer are not worth a word: each machine lacks most of them.
    private func lookForServers() async -> [Result<EngineFindings.LocalServer, EngineSelection.Skip>] {
        await withTaskGroup(of: (Int, Result<EngineFindings.LocalServer, EngineSelection.Skip>?).self) { group in
            for (place, address) in settings.servers.enumerated() {
                group.addTask { (place, await lookForServer(at: address)) }
            }
            var found: [(Int, Result<EngineFindings.LocalServer, EngineSelection.Skip>)] = []
            for await (place, one) in group { if let one { found.append((place, one)) } }
            return found.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    private func lookForServer(
        at address: HTTPAddress
    ) async -> Result<EngineFindings.LocalServer, EngineSelection.Skip>? {
        let owners = owners(address)
        if let stranger = stranger(at: address, among: owners) {
            let words = OwnerWatch.words(stranger, at: address, instead: "the server")
            return .failure(.init(name: "server", reason: words, isDistrusted: true))
        }
        guard
            let reply = try? await client.collect(
                UpstreamRequest(.GET, address, path: "/models", limits: ollamaLimits)),
            reply.status == 200,
            let list = try? JSONBody.decode(OpenAIModelList.self, from: reply.body.readableBytesView),
            !list.data.contains(where: \.isOfNode), await !isNode(at: address)
        else { return nil }
        let name = Self.name(of: address, list.data.lazy.compactMap(\.ownedBy).first)
        return .success(.init(name: name, address: address, owner: owners?.min { $0.userID < $1.userID }))
    }

    /// A node is asked as kin, or not at all: as an engine it could ask this one. One without a model lists nothing.
    private func isNode(at address: HTTPAddress) async -> Bool {
        guard let root = address.aboveVersion,
            let reply = try? await client.collect(
                UpstreamRequest(.GET, root, path: "/api/version", limits: ollamaLimits))
        else { return false }
        return Self.isNode(reply.body)
    }

    private static func isNode(_ version: ByteBuffer) -> Bool {
        (try? JSONValue(parsing: version.readableBytesView))?["kith"] != nil
    }

    private static func name(of address: HTTPAddress, _ owner: String?) -> String {
        switch (owner, address.port) {
        case ("llamacpp", _): "llama.cpp"
        case ("vllm", _): "vLLM"
        case (_, 1_234): "LM Studio"
        case (_, 1_337): "Jan"
        default: "a server"
        }
    }

    private func lookForOllama() async -> Result<EngineFindings.Ollama, EngineSelection.Skip> {
        let address = settings.ollama.address
        let owners = owners(address)
        if let stranger = stranger(at: address, among: owners) {
            let words = OwnerWatch.words(stranger, at: address, instead: "Ollama")
            return .failure(.init(name: "ollama", reason: words, isDistrusted: true))
        }
        do {
            let reply = try await client.collect(
                UpstreamRequest(.GET, address, path: "/api/version", limits: ollamaLimits))
            guard reply.status == 200 else {
                return .failure(.init(name: "ollama", reason: "what answers at \(address) is not Ollama"))
            }
            // A node is asked as kin, or not at all: as an engine it could ask this one.
            guard !Self.isNode(reply.body) else {
                return .failure(.init(name: "ollama", reason: "what answers at \(address) is a node of kith"))
            }
            return .success(EngineFindings.Ollama(address: address, owner: owners?.min { $0.userID < $1.userID }))
        } catch {
            return .failure(.init(name: "ollama", reason: "nothing answers at \(address)"))
        }
    }

    private func lookForLlamaServer() -> Result<EngineFindings.Server, EngineSelection.Skip> {
        func skip(_ reason: String) -> Result<EngineFindings.Server, EngineSelection.Skip> {
            .failure(.init(name: "llama-server", reason: reason))
        }
        guard let executable = settings.llamaServer.executable ?? Self.find("llama-server") else {
            return skip("llama-server is not on PATH")
        }
        guard FileManager.default.isExecutableFile(atPath: executable) else {
            return skip("\(executable) cannot be run")
        }
        guard let model = settings.llamaServer.model else { return skip("no model is set for it") }
        guard FileManager.default.isReadableFile(atPath: model) else {
            return skip("its model \(model) cannot be read")
        }
        return .success(EngineFindings.Server(executable: executable, model: model))
    }

    private func lookForEmbedded() -> Result<EmbeddedVersions, EngineSelection.Skip> {
        switch EmbeddedInstaller(directory: settings.embedded.directory).status() {
        case .installed(let versions): .success(versions)
        case .missing: .failure(.init(name: "embedded", reason: "it is not installed: run kith engine install"))
        case .broken(let reason): .failure(.init(name: "embedded", reason: "\(reason): run kith engine install"))
        }
    }

    private static func find(_ name: String) -> String? {
        let folders = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":") ?? []
        return folders.map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }
}

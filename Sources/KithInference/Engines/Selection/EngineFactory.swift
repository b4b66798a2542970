// SPDX-License-Identifier: Apache-2.0

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

    /// Takes at most one second, and that only for `automatic`.
    package func select() async -> EngineSelection {
        EngineSelection(choice: settings.choice, findings: await look())
    }

    /// What is on this machine; asks nothing when the settings leave no choice.
    package func look() async -> EngineFindings {
        guard settings.choice == .automatic else {
            let skip = EngineSelection.Skip(name: "automatic", reason: "the settings leave no choice")
            return EngineFindings(ollama: .failure(skip), llamaServer: .failure(skip), embedded: .failure(skip))
        }
        return EngineFindings(
            ollama: await lookForOllama(), llamaServer: lookForLlamaServer(), embedded: lookForEmbedded())
    }

    /// - Returns: `nil` for a node without an engine. The services must run for as long as the engine is used.
    package func make(_ selection: EngineSelection) -> (engine: any ChatEngine, services: [any Service])? {
        let test = TestEngineSetup(settings: settings.test, clock: clock)
        switch selection.engine {
        case .none: return nil
        case .ollama:
            return (OllamaEngine(settings: settings.ollama, client: client, watch: ownerWatch, clock: clock), [])
        case .openAI:
            return (
                OpenAICompatibleEngine(settings: settings.openAI, client: client, secrets: secrets, clock: clock), []
            )
        case .anthropic:
            return (
                AnthropicEngine(settings: settings.anthropic, client: client, secrets: secrets, clock: clock), []
            )
        case .echo: return (EchoEngine(setup: test), [])
        case .count: return (CountEngine(setup: test), [])
        case .embedded: return supervised(EmbeddedCommand(settings: settings.embedded))
        case .llamaServer(let executable, let model):
            return supervised(LlamaServerCommand(executable: executable, file: model, settings: settings.embedded))
        }
    }

    private func supervised(_ command: some LlamaCommand) -> (engine: any ChatEngine, services: [any Service]) {
        let process = LlamaProcess(
            command: command, logFile: settings.embedded.logFile, health: LlamaHealthProbe(client: client),
            clock: clock, logger: logger)
        return (
            EmbeddedEngine(process: process, slots: settings.embedded.slots, client: client, clock: clock), [process]
        )
    }

    /// Watches who has the port of an Ollama that nobody named.
    private var ownerWatch: OwnerWatch? {
        guard settings.choice == .automatic else { return nil }
        let address = settings.ollama.address
        return OwnerWatch(address: address, clock: clock) { [owners, ownUser] in
            Self.stranger(owners(address), own: ownUser)
        }
    }

    private static func stranger(_ owners: Set<ListenerOwner>?, own: UInt32) -> ListenerOwner? {
        owners?.first { !$0.isTrusted(asUserOf: "ollama", own: own) }
    }

    private func lookForOllama() async -> Result<EngineFindings.Ollama, EngineSelection.Skip> {
        let address = settings.ollama.address
        let owners = owners(address)
        if let stranger = Self.stranger(owners, own: ownUser) {
            return .failure(
                .init(name: "ollama", reason: OwnerWatch.words(stranger, at: address), isDistrusted: true))
        }
        do {
            let reply = try await client.collect(
                UpstreamRequest(.GET, address, path: "/api/version", limits: ollamaLimits))
            guard reply.status == 200 else {
                return .failure(.init(name: "ollama", reason: "what answers at \(address) is not Ollama"))
            }
            // A node is asked as kin, or not at all: as an engine it could ask this one.
            guard (try? JSONValue(parsing: reply.body.readableBytesView))?["kith"] == nil else {
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

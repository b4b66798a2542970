// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithMembership
import KithModel
import KithNode
import KithStore
import KithTransport
import KithTrust
import NIOCore
import NIOHTTP1
import SystemPackage

/// What is known of the node before anything is tried: its settings, its files, and what it says itself if it runs.
struct CollectedEvidence: Sendable {
    var settings: NodeSettings
    /// Why the settings cannot be used; ``settings`` are the defaults then.
    var settingProblem: SettingError?
    var settingFiles: [String]
    var peersFile: PeersFile
    var peersFileProblem: String?
    /// Whether a process holds the data folder.
    var isHeld: Bool
    /// Whether a node ever ran on the folder.
    var holdsNode: Bool
    /// `nil` where no node runs, or its control file cannot be used.
    var access: NodeAccess?
    var accessProblem: String?
    var status: NodeStatus?
    var own: ControlMessage.Identity?
    var nearby: ControlMessage.Nearby?
    /// `nil` before the first start.
    var store: Result<StoreInspection, StoreError>?
    /// `nil` before the first start.
    var identity: Result<NodeIdentity, IdentityError>?
    var start = StartCommand.byHand
    /// Where an engine is looked for while no node runs.
    var engine: EngineSettings

    var folder: String { settings.dataDirectory }
    var ownID: NodeID? { own?.id ?? (try? identity?.get())?.id }
    /// Of the running node, else as the settings say.
    var name: String { status?.node ?? settings.name.rawValue }
    var isRunning: Bool { isHeld }
    /// Whether other machines reach the node that runs, whatever the settings here say: it may have been started with `--lan`.
    var isOpen: Bool { own?.addresses.contains { !$0.isLoopback } ?? false }
    var identityFolder: FilePath { FilePath(folder).appending("state").appending("identity") }
    var databasePath: String { settings.stateDirectory + "/kith.sqlite" }
}

extension CollectedEvidence {
    /// Reads and asks, for a few seconds at most.
    ///
    /// - Throws: `SettingError` when not even the defaults can be used here.
    static func gather(
        flags: [SettingKey: String], environment: [String: String], surroundings: ProcessEnvironment = .current()
    ) async throws(SettingError) -> CollectedEvidence {
        var gathered = try readSettings(flags: flags, environment: environment, surroundings: surroundings)
        gathered.readPeersFile()
        await gathered.readState()
        await gathered.askNode()
        return gathered
    }

    private static func readSettings(
        flags: [SettingKey: String], environment: [String: String], surroundings: ProcessEnvironment
    ) throws(SettingError) -> CollectedEvidence {
        do {
            let sources = try SettingSources.gather(
                flags: flags, environment: environment, surroundings: surroundings)
            let files = [sources.environmentFile?.path, sources.yaml?.path].compactMap { $0 }
            var gathered = CollectedEvidence(try NodeSettings(sources), files: files)
            // Where no node runs, an engine may have the port that one would take.
            var anywhere = sources
            anywhere.flags[.port] = "0"
            gathered.engine = try NodeSettings(anywhere).engine
            return gathered
        } catch {
            // The rest of the examination does not need them all.
            var bare = SettingSources(
                flags: flags.filter { $0.key == .dataDirectory }, environment: [:], surroundings: surroundings)
            bare.flags[.dataDirectory] = bare.flags[.dataDirectory] ?? environment["KITH_DATA_DIR"]
            var gathered = CollectedEvidence(try NodeSettings(bare), files: [])
            gathered.settingProblem = error
            return gathered
        }
    }

    private init(_ settings: NodeSettings, files: [String]) {
        self.settings = settings
        engine = settings.engine
        settingFiles = files
        peersFile = settings.peerEndpoints
        isHeld = DataFolder.isHeld(settings.dataDirectory)
        holdsNode = DataFolder.holdsNode(settings.dataDirectory)
    }

    private mutating func readPeersFile() {
        do {
            guard let bytes = try BoundedFile.bytesIfPresent(settings.peersFile, limit: PeersFile.maximumBytes) else {
                return
            }
            peersFile.merge(PeersFile(bytes: bytes))
        } catch {
            peersFileProblem = "\(error)"
        }
    }

    private mutating func readState() async {
        guard holdsNode else { return }
        let (database, folder) = (databasePath, identityFolder)
        let read = await OffThread.run(limit: .seconds(3)) {
            () -> (Result<StoreInspection, StoreError>?, Result<NodeIdentity, IdentityError>?) in
            let store = Self.store(at: database)
            return (store, Self.identity(in: folder, expected: (try? store?.get())?.identity))
        }
        (store, identity) = read ?? (nil, nil)
    }

    private static func store(at path: String) -> Result<StoreInspection, StoreError>? {
        do {
            return try StoreInspection(readingFrom: path).map { .success($0) }
        } catch {
            return .failure(error)
        }
    }

    /// Never makes one: without a known id a missing key is a first start.
    private static func identity(
        in folder: FilePath, expected: NodeID?
    ) -> Result<NodeIdentity, IdentityError>? {
        let hasKey = (try? Stat(folder.appending("key.pem"), followTargetSymlink: false)) != nil
        guard hasKey || expected != nil else { return nil }
        do {
            return .success(try NodeIdentity.open(folder: folder, expected: expected, now: .now()))
        } catch {
            return .failure(error)
        }
    }

    private mutating func askNode() async {
        guard isHeld else { return }
        do {
            guard let file = try ControlFile.read(dataDirectory: folder) else {
                accessProblem = "it has left no word of where it listens (state/control.json)"
                return
            }
            access = NodeAccess(file)
        } catch {
            accessProblem = "\(error)"
        }
        guard let access else { return }
        async let status = answer(access, NodeStatus.self, "/api/status")
        async let own = answer(access, ControlMessage.Identity.self, "/api/identity")
        async let nearby = answer(access, ControlMessage.Nearby.self, "/api/peers/nearby")
        let all = await (status, own, nearby)
        (self.status, self.own, self.nearby) = (try? all.0.get(), try? all.1.get(), try? all.2.get())
        if case .failure(let failure) = all.0 { accessProblem = failure.message }
    }

    private func answer<Value: Decodable & Sendable>(
        _ access: NodeAccess, _ type: Value.Type, _ path: String
    ) async -> Result<Value, ChatError> {
        do {
            return .success(try await access.get(type, path))
        } catch {
            return .failure(error as? ChatError ?? ChatError(.cancelled, "\(error)"))
        }
    }
}

/// Asks the running node on behalf of its owner.
struct NodeAccess: Sendable {
    let address: HTTPAddress
    private let token: Secret
    private let client: UpstreamClient

    init(_ file: ControlFile) {
        address = file.url
        token = file.token
        client = UpstreamClient(pin: file.fingerprint.flatMap(CertificatePin.init(fingerprint:)))
    }

    /// - Throws: `ChatError`, also for a status other than 200; `CancellationError`.
    func get<Value: Decodable>(_ type: Value.Type, _ path: String, limit: Duration = .seconds(3)) async throws -> Value
    {
        let reply = try await client.collect(
            UpstreamRequest(
                .GET, address, path: path, headers: headers,
                limits: UpstreamLimits(connect: limit, firstByte: limit, stall: limit, bodyBytes: 4 << 20)))
        guard reply.status == 200 else {
            throw ChatError(.engineError, "the node answered \(path) with status \(reply.status)")
        }
        return try JSONBody.decode(type, from: reply.body.readableBytesView)
    }

    /// - Returns: The status, and the body as JSON if it is JSON.
    func post(
        _ path: String, _ body: JSONValue, headers more: HTTPHeaders = [:], limit: Duration
    ) async throws -> (status: Int, json: JSONValue?) {
        let reply = try await client.collect(
            UpstreamRequest(
                .POST, address, path: path, headers: HTTPHeaders(Array(headers) + Array(more)),
                body: ByteBuffer(bytes: try JSONBody.encode(body)),
                limits: UpstreamLimits(connect: .seconds(2), firstByte: limit, stall: limit, bodyBytes: 1 << 20)))
        return (reply.status, try? JSONBody.decode(JSONValue.self, from: reply.body.readableBytesView))
    }

    /// A role of the same node, which takes the same token.
    func diagnosis(
        of address: HTTPAddress, as service: SeedService, start: StartCommand, clock: any TimeSource
    ) -> any Diagnosis {
        EndpointDiagnosis(
            address, expected: service, key: token, severity: .error, client: client, clock: clock,
            startIt: Finding.Fix(
                "the node runs without this role: the settings changed since its start, or its flags said otherwise; "
                    + "start it again", command: start.command()))
    }

    private var headers: HTTPHeaders { ["Authorization": "Bearer \(token.reveal())"] }
}

// SPDX-License-Identifier: Apache-2.0

/// The models that one engine keeps, and what can be done with them.
///
/// What only an engine with ``fixedBecause`` `nil` can do is refused by others with a `ChatError` of the code
/// ``ChatError/Code/unsupported``, as by default.
package protocol ModelStore: Sendable {
    var place: ModelPlace { get }

    /// Why its models cannot be changed from here, as the end of "that cannot be done: "; `nil` where they can.
    var fixedBecause: String? { get }

    /// Why it gets no models from elsewhere, as the end of a sentence; `nil` where it does. By default as ``fixedBecause``.
    var pullsNothingBecause: String? { get }

    /// Whether a model that is loaded takes the place of the one before it, so that answers under way end.
    var keepsOneLoaded: Bool { get }

    /// The form of weights that it takes from another machine; `nil` for none, as by default.
    var takes: WeightsForm? { get }

    /// Why it takes none although it has a form; `nil`, as by default, where it does.
    var takesNothingBecause: String? { get }

    /// All models, and where each is now.
    ///
    /// - Throws: `ChatError` when the engine cannot be asked.
    func kept() async throws -> [KeptModel]

    /// Gets a model from where the engine gets its models, or goes on with one that was interrupted.
    ///
    /// - Parameter note: Is given each sign of progress; what it throws ends the pull.
    /// - Throws: `ChatError`; what `note` throws; `CancellationError`.
    func pull(_ model: ModelID, note: @Sendable (PullSign) throws -> Void) async throws

    /// Loads a model into memory. Returns when it is there.
    ///
    /// - Parameter stay: How long it stays without being asked; `nil` for as long as nobody unloads it.
    /// - Throws: `ChatError`; `CancellationError`.
    func load(_ model: ModelID, for stay: Duration?) async throws

    /// Takes a model out of memory.
    ///
    /// - Throws: `ChatError`; `CancellationError`.
    func unload(_ model: ModelID) async throws

    /// Takes a model off the disk.
    ///
    /// - Throws: `ChatError`; `CancellationError`.
    func remove(_ model: ModelID) async throws

    /// Gives a model a second name.
    ///
    /// - Throws: `ChatError`; `CancellationError`.
    func copy(_ model: ModelID, as name: ModelID) async throws

    /// The files that a model is made of.
    ///
    /// - Throws: `ChatError`, which says why they cannot be had; `CancellationError`.
    func weights(of model: ModelID) async throws -> WeightsFiles

    /// Whether a part need not be copied, since the engine has it; `false` by default.
    func has(_ part: WeightsDigest) async throws -> Bool

    /// Makes a model of files that have come. They are moved, or copied and removed.
    ///
    /// - Throws: `ChatError`; `CancellationError`.
    /// - Returns: Where parts are now that were moved, by their digests.
    func take(_ model: ModelID, of parts: [ArrivedWeights]) async throws -> [WeightsDigest: String]
}

extension ModelStore {
    package var fixedBecause: String? { nil }
    package var pullsNothingBecause: String? { fixedBecause }
    package var keepsOneLoaded: Bool { false }
    package var takes: WeightsForm? { nil }
    package var takesNothingBecause: String? { nil }

    package func weights(of model: ModelID) async throws -> WeightsFiles {
        throw ChatError(.unsupported, "the files of its weights are not known to this node")
    }

    package func has(_ part: WeightsDigest) async throws -> Bool { false }

    package func take(_ model: ModelID, of parts: [ArrivedWeights]) async throws -> [WeightsDigest: String] {
        throw fixed
    }

    package func pull(_ model: ModelID, note: @Sendable (PullSign) throws -> Void) async throws { throw fixed }
    package func load(_ model: ModelID, for stay: Duration?) async throws { throw fixed }
    package func unload(_ model: ModelID) async throws { throw fixed }
    package func remove(_ model: ModelID) async throws { throw fixed }
    package func copy(_ model: ModelID, as name: ModelID) async throws { throw fixed }

    private var fixed: ChatError { ChatError(.unsupported, fixedBecause ?? "this engine does not offer it") }
}

/// Where an engine's models are.
package struct ModelPlace: Hashable, Sendable {
    package var kind: EngineKind
    /// Of the engine; `nil` for one that needs none.
    package var address: String?
    /// A folder of this machine that is on the same disk as the models; `nil` when unknown.
    package var folder: String?
    /// Whether the engine is at a provider, who counts what it is asked.
    package var isRemote: Bool

    package init(kind: EngineKind, address: String? = nil, folder: String? = nil, isRemote: Bool = false) {
        self.isRemote = isRemote
        self.kind = kind
        self.address = address
        self.folder = folder
    }

    /// `ollama at http://127.0.0.1:11434`.
    package var words: String { kind.rawValue + (address.map { " at \($0)" } ?? "") }

    /// Whether an owner means it by this word: its kind, or its address with or without the scheme.
    package func isMeant(by word: String) -> Bool {
        word == kind.rawValue || word == address || address.map { $0.hasSuffix("://" + word) } == true
    }
}

/// One thing that an engine says of a pull.
package struct PullSign: Hashable, Sendable {
    /// What it does, in its own words.
    package var status: String
    /// The part that it gets; `nil` for a step that gets nothing.
    package var part: String?
    /// Bytes of the part; `nil` when the sign says nothing of it.
    package var total: Int?
    /// Bytes of the part that are there.
    package var completed: Int

    package init(status: String, part: String? = nil, total: Int? = nil, completed: Int = 0) {
        self.status = status
        self.part = part
        self.total = total.map { max(0, $0) }
        self.completed = max(0, completed)
    }
}

extension PullSign {
    /// The last of each part, in the order in which they came.
    package static func last(of signs: [PullSign]) -> [PullSign] {
        var seen: Set<String> = []
        return signs.reversed().filter { seen.insert($0.part ?? "").inserted }.reversed()
    }
}

/// The models of an engine that keeps them where kith cannot change them.
package struct FixedModels: ModelStore {
    package let place: ModelPlace
    package let fixedBecause: String?
    private let list: @Sendable () async throws -> [KeptModel]

    /// - Parameters:
    ///   - reason: Why they cannot be changed, and what to do instead, as the end of a sentence.
    ///   - list: Throws `ChatError` when the engine cannot be asked.
    package init(
        _ place: ModelPlace, because reason: String, list: @escaping @Sendable () async throws -> [KeptModel]
    ) {
        self.place = place
        fixedBecause = reason
        self.list = list
    }

    package func kept() async throws -> [KeptModel] { try await list() }
}

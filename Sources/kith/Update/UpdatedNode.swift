// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithModel
import KithNode

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The node that goes from one version to the other, and its database.
struct UpdatedNode: Sendable {
    enum Kind: Codable, Hashable, Sendable {
        case none
        case service
        /// With what it was started with.
        case background(BackgroundNode.Record)
        /// In a terminal of its owner's.
        case byHand
    }

    /// A new version may bring its store in order first.
    private static let limit = Duration.seconds(300)

    let folder: String
    let manager: (any ServiceManager)?

    private var state: String { folder + "/state" }
    private var kept: String { state + "/before-update" }

    func kind() async throws -> Kind {
        guard let node = try RunningNode(dataDirectory: folder) else { return .none }
        if try await Services.runs(node, by: manager) { return .service }
        return BackgroundNode.record(of: node).map { .background($0) } ?? .byHand
    }

    /// Returns when nobody holds the folder any more.
    ///
    /// - Throws: `CommandError` when somebody still does.
    func stop(_ kind: Kind) async throws {
        switch kind {
        case .none, .byHand: return
        case .service: try await manager?.stop()
        case .background:
            if let node = try RunningNode(dataDirectory: folder) { try await Down.stop(node) }
        }
        let deadline = ContinuousClock.now + .seconds(20)
        while DataFolder.isHeld(folder) {
            guard ContinuousClock.now < deadline else {
                throw CommandError(.failed, "the node on \(folder) does not stop")
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// - Throws: `CommandError` when the node does not answer then, and does not run.
    func start(_ kind: Kind, program: String) async throws {
        switch kind {
        case .none, .byHand: break
        case .service:
            try await manager?.restart()
            try await awaitAnswer()
        case .background(let record):
            try await BackgroundNode(folder: folder, record: record, program: program, limit: Self.limit).start()
        }
    }

    private func awaitAnswer() async throws {
        let deadline = ContinuousClock.now + Self.limit
        while ContinuousClock.now < deadline {
            if let node = try RunningNode(dataDirectory: folder),
                let answer = try? await node.client.probe("/health/live"), answer.status == 200
            {
                return
            }
            if let state = try await manager?.state(), !state.isRunning, state.failure != nil {
                throw CommandError(.failed, "the service ends: kith service logs")
            }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw CommandError(.failed, "it does not answer within \(Self.limit.components.seconds) seconds")
    }

    /// A newer version may write what an older one cannot read. The copy has its name only when it is whole.
    ///
    /// - Returns: Whether there is a copy.
    func keepState(_ kind: Kind) async throws -> Bool {
        forgetState()
        guard kind != .byHand, FileManager.default.fileExists(atPath: state + "/kith.sqlite") else { return false }
        guard !DataFolder.isHeld(folder) else { throw CommandError(.failed, "another process uses \(folder)") }
        let part = "before-update.part"
        try await Update.must(
            "/bin/sh",
            [
                "-ec",
                """
                rm -rf \(part); mkdir -m 700 \(part)
                for file in kith.sqlite kith.sqlite-wal kith.anchor; do
                    if [ -e $file ]; then cp -p $file \(part)/; fi
                done
                sync; mv \(part) before-update
                """,
            ], in: state)
        return true
    }

    /// Each file by a rename: at no moment is there none, or half of one.
    func putStateBack() async throws {
        guard !DataFolder.isHeld(folder) else { throw CommandError(.failed, "another process uses \(folder)") }
        try await Update.must(
            "/bin/sh",
            [
                "-ec",
                """
                for file in before-update/*; do cp -p "$file" "${file#before-update/}.back"; done
                sync; rm -f kith.sqlite-wal kith.sqlite-shm
                for file in before-update/*; do mv "${file#before-update/}.back" "${file#before-update/}"; done
                rm -rf before-update
                """,
            ], in: state)
    }

    /// What is left over only takes room.
    func forgetState() { try? FileManager.default.removeItem(atPath: kept) }
}

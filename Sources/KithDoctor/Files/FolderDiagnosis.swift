// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithNode
import SystemPackage

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Whether a node can keep its files: who holds the folder, whether it can be written, and how much room there is.
struct FolderDiagnosis: Diagnosis {
    let check = CheckID.dataFolder
    let title = "data folder"
    var subject: String? { folder }

    /// Absolute.
    let folder: String
    let isHeld: Bool

    func run() async -> [Finding] {
        let seen = await OffThread.run(limit: .seconds(2)) { Self.look(at: folder) }
        guard let seen else {
            return [
                Finding(
                    check, title, .error,
                    "\(folder) does not answer: its disk hangs, as a network drive does that is gone",
                    fix: Finding.Fix("choose a folder on a disk of this machine with --data-dir"), of: folder)
            ]
        }
        return FolderVerdict(folder: folder, isHeld: isHeld, sight: seen).findings
    }

    /// Tries to write where the database is; what is there already stays untouched.
    private static func look(at folder: String) -> FolderSight {
        let existing = nearestExisting(folder + "/state")
        return FolderSight(
            existing: existing, exists: existing.hasPrefix(folder), obstacle: obstacle(in: existing),
            space: space(at: existing), exposure: FolderExposure.ofDataFolder(folder))
    }

    private static func nearestExisting(_ path: String) -> String {
        var path = FilePath(path)
        while access(path.string, F_OK) != 0, path.removeLastComponent() {}
        return path.string
    }

    private static func obstacle(in folder: String) -> Errno? {
        let name = FilePath(folder).appending(".doctor-\(UInt64.random(in: .min ... .max))")
        do {
            let file = try FileDescriptor.open(
                name, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec], permissions: .ownerReadWrite)
            defer { unlink(name.string) }
            return try file.closeAfter {
                _ = try file.writeAll(repeatElement(0, count: 4_096))
                return nil
            }
        } catch {
            return error as? Errno ?? .ioError
        }
    }

    /// Bytes that this user may still write.
    private static func space(at folder: String) -> Int64? {
        var status = statvfs()
        guard statvfs(folder, &status) == 0 else { return nil }
        let (bytes, overflow) = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
        return overflow ? .max : Int64(clamping: bytes)
    }
}

/// What was found at the folder.
struct FolderSight: Hashable, Sendable {
    /// The folder that the files go to, or the nearest one above it that exists.
    var existing: String
    var exists: Bool
    /// Why nothing could be written there.
    var obstacle: Errno?
    var space: Int64?
    /// How other users of the machine could change it.
    var exposure: FolderExposure?
}

struct FolderVerdict: Sendable {
    static let scarce: Int64 = 500_000_000
    static let exhausted: Int64 = 50_000_000

    var folder: String
    var isHeld: Bool
    var sight: FolderSight

    var findings: [Finding] { [folderFinding, spaceFinding].compactMap { $0?.about(folder) } }

    private var folderFinding: Finding {
        guard let obstacle = sight.obstacle, obstacle != .noSpace else {
            if let exposure = sight.exposure {
                return Finding(
                    .dataFolder, "data folder", .error,
                    "\(exposure.path) \(exposure.reason): no node starts on it",
                    fix: Finding.Fix("take that right from them", command: exposure.remedy))
            }
            let state =
                isHeld ? "held by the node that runs" : sight.exists ? "no node runs on it" : "made at the first start"
            return Finding(.dataFolder, "data folder", .ok, "\(folder): writable, \(state)")
        }
        let fix: Finding.Fix =
            switch obstacle {
            case .readOnlyFileSystem:
                Finding.Fix(
                    "its disk is mounted for reading only, as after a disk error: mount it for writing, or choose "
                        + "another "
                        + "folder with --data-dir", command: "findmnt --target '\(sight.existing)'")
            case .permissionDenied, .notPermitted:
                Finding.Fix(
                    "give it to the user who runs the node, or choose another folder with --data-dir",
                    command: "sudo chown -R $USER '\(sight.existing)'")
            default: Finding.Fix("choose another folder with --data-dir")
            }
        return Finding(
            .dataFolder, "data folder", .error, "\(sight.existing) cannot be written: \(obstacle)", fix: fix)
    }

    private var spaceFinding: Finding? {
        guard let space = sight.space else { return nil }
        let isFull = sight.obstacle == .noSpace
        let severity: Finding.Severity =
            isFull || space < Self.exhausted ? .error : space < Self.scarce ? .warning : .ok
        guard severity != .ok else {
            return Finding(.diskSpace, "disk space", .ok, "\(Self.amount(space)) free")
        }
        return Finding(
            .diskSpace, "disk space", severity,
            isFull
                ? "the disk of \(sight.existing) is full: nothing can be written"
                : "only \(Self.amount(space)) are free on the disk of \(sight.existing)",
            fix: Finding.Fix(
                "free some space there, or move the node's folder to a larger disk; the command shows what takes it",
                command: "du -xh -d1 '\(sight.existing)'"))
    }

    static func amount(_ bytes: Int64) -> String {
        switch bytes {
        case ..<1_000_000: "\(bytes / 1_000) kB"
        case ..<10_000_000_000: "\(bytes / 1_000_000) MB"
        default: "\(bytes / 1_000_000_000) GB"
        }
    }
}

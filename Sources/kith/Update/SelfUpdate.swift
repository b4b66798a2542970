// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Crypto
import KithCommand
import KithFiles
import KithInference
import KithModel
import KithNode
import KithTransport
import KithTrust
import NIOCore
import NIOHTTP1
import SystemPackage

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

struct SelfUpdate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "self-update",
        abstract: "Take a newer version from a folder or a server, and go back if it does not run.",
        discussion: """
            For a program that came with the archive and its install.sh; the package of Debian is updated by apt. The folder, or \
            what the server has below the address, holds what make package makes, and SHA256SUMS.sig: the signature of \
            SHA256SUMS by the key whose public half you give. Nothing older than what runs is taken. A node that runs as a \
            service or in the background is started anew; if it does not answer then, the old program and its data are put back.

            EXAMPLES:
              kith self-update --from https://example.org/kith/ --key kith-release.pem
              kith self-update --from /mnt/stick --key kith-release.pem --check
            """)

    @Option(help: ArgumentHelp("Where the release is: an address or a folder.", valueName: "place"))
    var from: String

    @Option(
        help: ArgumentHelp("The public key that signs releases, in PEM form.", valueName: "path"), completion: .file())
    var key: String

    @Flag(help: "Say what there is, and change nothing.")
    var check = false

    @Option(help: ArgumentHelp("The folder of the node.", valueName: "path"), completion: .directory)
    var dataDir: String?

    func run() async throws {
        let installation = try Installation(program: Executable.path())
        try await Update.alone(in: installation) { try await run(installation) }
    }

    private func run(_ before: Installation) async throws {
        let manager = try? await Services.manager(of: nil)
        try await Uninterrupted.run { try await Update.recover(before, manager: manager) }
        let installation = try Installation(program: before.prefix + "/bin/kith")
        let release = try await Release.read(from: ReleasePlace(from), key: key)
        let offered = release.archive.version
        guard offered > installation.version else {
            let words = offered == installation.version ? "is what runs here" : "is older than what runs here"
            Terminal.note("\(offered) \(words)" + (offered == installation.version ? "" : ", \(installation.version)"))
            if offered < installation.version { throw CommandError(.failed, "nothing was changed") }
            return
        }
        if check { return try Terminal.printLines(["\(offered) is there; \(installation.version) runs here"]) }
        let folder = try await Services.folder(dataDir, manager)
        let update = Update(installation: installation, node: UpdatedNode(folder: folder, manager: manager))
        try await Uninterrupted.run { try await update.run(release) }
        Terminal.note("kith is \(offered) now; it was \(installation.version)")
    }
}

/// What `install.sh` put somewhere.
struct Installation: Sendable {
    let prefix: String
    let version: ReleaseVersion

    /// - Throws: `CommandError` for a program that came in another way.
    init(program: String) throws(CommandError) {
        let parts = program.split(separator: "/", omittingEmptySubsequences: false)
        prefix = parts.dropLast(2).joined(separator: "/")
        guard parts.suffix(2) == ["bin", "kith"],
            FileManager.default.isReadableFile(atPath: prefix + "/share/kith/installed")
        else {
            throw CommandError(
                .failed,
                program == "/usr/bin/kith"
                    ? "this program came with a package: sudo apt install ./kith_….deb brings a newer one"
                    : "\(program) was not installed by install.sh of the archive; install the newer one as you did this one"
            )
        }
        guard let version = BuildVersion.of(program: program) ?? ReleaseVersion(KithVersion.text) else {
            throw CommandError(.failed, "\(prefix)/share/kith/version holds no version")
        }
        self.version = version
    }

    /// All files that were installed, below ``prefix``.
    ///
    /// - Throws: `CommandError` when the list cannot be read.
    func files() throws(CommandError) -> [String] {
        guard let bytes = try? RegularFile.read(FilePath(prefix + "/share/kith/installed"), limit: 1 << 20) else {
            throw CommandError(.failed, "\(prefix)/share/kith/installed cannot be read")
        }
        let names = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
        return (names + ["share/kith/installed"]).filter { !$0.hasPrefix("/") && !$0.contains("..") }
    }
}

/// Where a release is.
enum ReleasePlace: Sendable {
    case folder(String)
    case server(HTTPAddress)

    /// - Throws: `CommandError` for an address that nobody vouches for.
    init(_ text: String) throws(CommandError) {
        guard text.contains("://") else {
            self = .folder(ProcessEnvironment.current().absolute(text))
            return
        }
        guard let address = HTTPAddress(text) else { throw CommandError(.usage, "'\(text.printable)' is no address") }
        self = .server(address)
    }

    /// - Parameter limit: Bytes.
    /// - Throws: `CommandError` when it is not there, or longer than `limit`.
    func file(_ name: String, limit: Int, client: UpstreamClient) async throws -> [UInt8] {
        switch self {
        case .folder(let folder):
            do {
                return try RegularFile.read(FilePath(folder + "/" + name), limit: limit)
            } catch {
                throw CommandError(.failed, "\(folder)/\(name) cannot be read: \(error)")
            }
        case .server(let address):
            var path = address.basePath
            if !path.hasSuffix("/") { path += "/" }
            var root = address
            root.basePath = ""
            do {
                let limits = UpstreamLimits(
                    connect: .seconds(10), firstByte: .seconds(30), stall: .seconds(30), bodyBytes: limit)
                let reply = try await client.collect(UpstreamRequest(.GET, root, path: path + name, limits: limits))
                guard reply.status == 200 else {
                    throw CommandError(.failed, "\(address)/\(name): the server answered with status \(reply.status)")
                }
                return Array(reply.body.readableBytesView)
            } catch let failure as ChatError {
                throw CommandError(.failed, "\(address)/\(name) cannot be had: \(failure.message)")
            }
        }
    }
}

/// A release whose sums were signed by the key that its user trusts, and its archive for this machine.
struct Release: Sendable {
    private static let archiveLimit = 256 << 20

    let archive: ReleaseSums.Archive
    private let place: ReleasePlace

    /// - Throws: `CommandError` when there is none, or the signature is not the key's.
    static func read(from place: ReleasePlace, key path: String) async throws -> Release {
        let pem: [UInt8]
        do {
            pem = try RegularFile.read(FilePath(ProcessEnvironment.current().absolute(path)), limit: 1 << 16)
        } catch {
            throw CommandError(.usage, "the key \(path) cannot be read: \(error)")
        }
        guard let key = ReleaseKey(pem: String(decoding: pem, as: UTF8.self)) else {
            throw CommandError(.usage, "\(path) holds no public key of Ed25519 in PEM form")
        }
        let client = UpstreamClient()
        let sums = try await place.file(ReleaseSums.fileName, limit: 1 << 20, client: client)
        let signature = try await place.file(ReleaseSums.signatureName, limit: 1 << 10, client: client)
        await client.shutDown()
        guard key.verifies(signature, of: sums) else {
            throw CommandError(.failed, "the release is not signed by the key of \(path); nothing was changed")
        }
        let machine = Self.machine
        guard let archive = ReleaseSums(String(decoding: sums, as: UTF8.self)).archive(for: machine) else {
            throw CommandError(.failed, "the release has no archive for Linux on \(machine)")
        }
        return Release(archive: archive, place: place)
    }

    /// The archive, which is what the signed sums say.
    ///
    /// - Throws: `CommandError` when it is not.
    func bytes() async throws -> [UInt8] {
        let client = UpstreamClient()
        let bytes = try await place.file(archive.name, limit: Self.archiveLimit, client: client)
        await client.shutDown()
        let digest = SHA256.hash(data: bytes).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        guard digest == archive.digest else {
            throw CommandError(.failed, "\(archive.name) is not what the signed sums say; nothing was changed")
        }
        return bytes
    }

    private static var machine: String {
        #if arch(x86_64)
            "x86_64"
        #elseif arch(arm64)
            "aarch64"
        #else
            "unknown"
        #endif
    }
}

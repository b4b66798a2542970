// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithNode
import NIOPosix
import Subprocess
import SystemPackage

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Runs nodes as child processes that do not outlive this one.
///
/// All children share the reading end of one pipe as standard input. Its writing end closes with this process, however
/// that ends, and a node started with `--lifeline` then stops.
final class NodeSpawner: Sendable {
    private let executable: String
    private let environment: [Environment.Key: String]
    private let lifeline: FileDescriptor
    private let heldEnd: FileDescriptor

    init() throws {
        executable = try Executable.path()
        environment = Self.environmentForNodes()
        (lifeline, heldEnd) = try FileDescriptor.pipe()
        // A child that inherited the writing end would keep the others alive.
        for descriptor in [lifeline, heldEnd] where fcntl(descriptor.rawValue, F_SETFD, FD_CLOEXEC) != 0 {
            throw CommandError(.failed, "a pipe cannot be kept from child processes")
        }
    }

    deinit {
        for descriptor in [lifeline, heldEnd] { try? descriptor.close() }
    }

    /// Runs one node until it ends. Cancelling the task asks the node to stop, and kills it after 5 seconds.
    ///
    func run(_ instance: ClusterPlan.Instance, onStart: @Sendable (Int32) -> Void) async throws -> NodeEnd {
        let log = try FileDescriptor.open(
            FilePath(instance.logFile), .writeOnly, options: [.create, .append, .closeOnExec],
            permissions: [.ownerReadWrite])
        defer { try? log.close() }
        var options = PlatformOptions()
        // A group of its own, so that Ctrl-C reaches the nodes once: through this process.
        options.processGroupID = 0
        options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(12))]
        do {
            let result = try await Subprocess.run(
                .path(FilePath(executable)), arguments: Arguments(instance.arguments),
                environment: .custom(environment), workingDirectory: FilePath(instance.directory),
                platformOptions: options,
                input: .fileDescriptor(lifeline, closeAfterSpawningProcess: false),
                output: .fileDescriptor(log, closeAfterSpawningProcess: false),
                error: .fileDescriptor(log, closeAfterSpawningProcess: false)
            ) { execution in
                onStart(execution.processIdentifier.value)
            }
            return switch result.terminationStatus {
            case .exited(let status): .exited(status)
            case .signaled(let signal): .signaled(signal)
            }
        } catch let error as SubprocessError {
            throw CommandError(.failed, "node \(instance.name) cannot be started: \(error)")
        }
    }

    /// This process's environment, without what would make all nodes the same one or give them other peers.
    private static func environmentForNodes() -> [Environment.Key: String] {
        let identity: Set<SettingKey> = [
            .dataDirectory, .name, .host, .port, .peerPort, .peersFile, .peerEndpoints, .level,
            .logFile,
        ]
        let names = Set(
            SettingDefinition.all.filter { identity.contains($0.key) }.flatMap(\.environmentNames))
        var environment: [Environment.Key: String] = [:]
        for (name, value) in Terminal.environment where !names.contains(name) {
            environment[Environment.Key(stringLiteral: name)] = value
        }
        return environment
    }
}

/// Ties this process to the one that holds the other end of its standard input.
///
/// The end comes also when that process is killed, so that no node outlives its cluster. It runs on a thread of its own
/// and works also when everything else hangs.
enum Lifeline {
    private static let secondsToStop: UInt32 = 8

    static func watch() {
        let thread = NIOThreadPool(numberOfThreads: 1)
        thread.start()
        thread.submit { state in
            guard case .active = state else { return }
            waitForEnd()
            kill(getpid(), SIGTERM)
            sleep(secondsToStop)
            _exit(1)
        }
    }

    private static func waitForEnd() {
        var buffer = [UInt8](repeating: 0, count: 64)
        do {
            while try buffer.withUnsafeMutableBytes({ try FileDescriptor.standardInput.read(into: $0) }) > 0 {}
        } catch {
            // A standard input that cannot be read has ended.
        }
    }
}

/// This program's own file, to be started again for each node.
enum Executable {
    /// - Throws: `CommandError` when the system does not say.
    static func path() throws(CommandError) -> String {
        var buffer = [CChar](repeating: 0, count: 4_096)
        #if os(Linux)
            let length = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        #else
            var size = UInt32(buffer.count - 1)
            let length = _NSGetExecutablePath(&buffer, &size) == 0 ? strlen(buffer) : 0
        #endif
        guard length > 0 else { throw CommandError(.failed, "the system does not say where this program is") }
        return String(decoding: buffer.prefix(Int(length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithNode

struct Service: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Have the node start with the machine, and look after it there.",
        discussion: """
            On Linux the node becomes a service of systemd, on macOS an agent of launchd. Without root it is yours and \
            runs as you; with root it is the machine's, in /var/lib/kith.

            EXAMPLES:
              kith service install
              kith service install -- --lan --name desk
              kith service status
              kith service logs --follow
              kith service uninstall
            """,
        subcommands: [
            ServiceInstall.self, ServiceStatus.self, ServiceLogs.self, ServiceRestart.self, ServiceUninstall.self,
        ])
}

/// Whose service is meant.
struct ServiceFlags: ParsableArguments {
    @Flag(help: "The machine's service; the default for root.")
    var system = false

    @Flag(help: "Your own service; the default for everybody else.")
    var user = false

    func validate() throws {
        guard !(system && user) else {
            throw ValidationError("--system and --user exclude each other; give one of them")
        }
    }

    /// - Throws: `CommandError` where there is no service manager.
    func manager() async throws -> any ServiceManager {
        try await Services.manager(of: system ? .system : user ? .user : nil)
    }
}

struct ServiceInstall: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "install",
        abstract: "Start the node now, and whenever the machine starts.",
        discussion: """
            What follows `--` are flags of kith up, for each start; settings may as well stand in config/kith.yaml in \
            the node's folder. Done again, it takes the new flags.

            EXAMPLES:
              kith service install
              kith service install -- --lan --name desk
            """)

    @OptionGroup var service: ServiceFlags

    @Option(help: ArgumentHelp("The folder of the node.", valueName: "path"), completion: .directory)
    var dataDir: String?

    @Argument(parsing: .postTerminator, help: ArgumentHelp("Flags of kith up.", valueName: "flags"))
    var flags: [String] = []

    func run() async throws {
        try await Services.install(service.manager(), dataDir: dataDir, flags: flags)
    }
}

struct ServiceStatus: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Say whether the service is installed, runs, and starts with the machine.",
        discussion: "`kith status` says how the node is.")

    @OptionGroup var service: ServiceFlags

    @Flag(help: "Print the state as JSON.")
    var json = false

    func run() async throws {
        let state = try await service.manager().state()
        try Terminal.print(state, json: json, or: state.lines)
        if !state.isRunning { throw CommandError(.nodeUnreachable) }
    }
}

struct ServiceLogs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs",
        abstract: "Show what the service has logged, also before a crash.",
        discussion: "`kith logs` shows the log of a node that runs, on whatever machine.")

    @OptionGroup var service: ServiceFlags

    @Flag(name: .shortAndLong, help: "Go on with what comes, until Ctrl-C.")
    var follow = false

    @Option(name: [.customShort("n"), .long], help: ArgumentHelp("The last lines to show.", valueName: "count"))
    var lines = 100

    func validate() throws {
        guard (0...100_000).contains(lines) else { throw ValidationError("--lines takes 0 to 100000") }
    }

    func run() async throws {
        try await service.manager().showLog(lines: lines, follow: follow)
    }
}

struct ServiceRestart: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restart", abstract: "Stop the service in order, and start it again.")

    @OptionGroup var service: ServiceFlags

    func run() async throws {
        let manager = try await service.manager()
        guard try await manager.state().isInstalled else {
            throw CommandError(.failed, "no service is installed: kith service install")
        }
        try await manager.restart()
        Terminal.note("the service runs")
    }
}

struct ServiceUninstall: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "uninstall",
        abstract: "Stop the service, and take it out of what starts with the machine.",
        discussion: "The node's folder stays; kith uninstall says what else is on the disk.")

    @OptionGroup var service: ServiceFlags

    func run() async throws {
        let manager = try await service.manager()
        guard try await manager.state().isInstalled else { return Terminal.note("no service is installed") }
        try await manager.uninstall()
        Terminal.note("the service is removed; the node's folder stays")
    }
}

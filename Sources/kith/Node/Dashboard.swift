// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects
import KithModel
import Subprocess
import SystemPackage

struct Dashboard: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Open a node's page in a browser, signed in as its owner.",
        discussion: """
            The link works once, within a minute; the browser then stays signed in, for 12 hours after its last use. \
            Without a display the link is printed. Of a node named by --url the page asks for a key.

            EXAMPLES:
              kith dashboard
              kith dashboard --print
            """)

    @OptionGroup var node: ControlFlags

    @Flag(help: "Print the link alone.")
    var print = false

    @Flag(help: "Open no browser, and say what the link is.")
    var noBrowser = false

    func run() async throws {
        let client = try node.client()
        let link = try await link(client)
        if print { return try Terminal.printLines([link.url]) }
        if !noBrowser, let program = BrowserProgram.choose(environment: Terminal.environment) {
            guard try await Self.open(link.url, with: program) else {
                Terminal.note("\(program) did not open a browser")
                return try show(link)
            }
            return Terminal.note("opened \(client.address) in a browser")
        }
        try show(link)
    }

    private func link(_ client: NodeClient) async throws -> (url: String, seconds: Int?) {
        guard try !node.isNamed() else { return ("\(client.address)/", nil) }
        let made: ControlMessage.PageLink = try await client.post("/api/page/links", NoMessage())
        return ("\(client.address)\(made.path)", made.expiresSeconds)
    }

    private func show(_ link: (url: String, seconds: Int?)) throws {
        try Terminal.printLines([link.url])
        if let seconds = link.seconds {
            Terminal.note("open it in a browser on this machine; it works once, for " + Lifetime.words(seconds))
        }
    }

    private static func open(_ url: String, with program: String) async throws -> Bool {
        do {
            let result = try await Subprocess.run(
                .name(program), arguments: [url], input: .none, output: .discarded, error: .discarded)
            return result.terminationStatus.isSuccess
        } catch is SubprocessError {
            return false  // it is not installed
        }
    }
}

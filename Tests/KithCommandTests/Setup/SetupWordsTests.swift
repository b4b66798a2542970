// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import KithCommand

@Suite("What somebody who is new is told")
struct SetupWordsTests {
    @Test("Three lines: what is here, the next step, and where the rest is")
    func first() {
        #expect(SetupWords.first(engine: nil).count == 3)
        #expect(SetupWords.first(engine: nil)[0].contains("No engine"))
        #expect(
            SetupWords.first(engine: "Ollama answers at x")[0] == "Ollama answers at x, and a node of kith will use it."
        )
    }

    @Test("After a setup nobody is told to ask where nothing can answer")
    func next() {
        #expect(
            SetupWords.next(canAnswer: true, isPaired: true, address: "http://127.0.0.1:8080").text.contains(
                "Ready. Try:"))
        #expect(
            SetupWords.next(canAnswer: true, isPaired: false, address: "http://127.0.0.1:8080").text.contains(
                "kith setup --yes --lan"))
        let elsewhere = SetupWords.next(
            canAnswer: true, isPaired: false, address: "http://127.0.0.1:8080", flags: " --data-dir d"
        ).text
        #expect(elsewhere.split(separator: " --data-dir d").count == 4)
        let none = SetupWords.next(canAnswer: false, isPaired: false, address: "http://127.0.0.1:8080").text
        #expect(!none.contains("Ready") && none.contains("--engine") && none.contains("--join"))
    }

    @Test("What is on the disk comes with what removes it, and the program with its own way")
    func places() {
        let all = UninstallPlaces(
            program: "/usr/bin/kith", isService: true, node: ("/n", 3_000_000), engine: ("/e", 250_000_000))
        #expect(all.lines.count == 4)
        #expect(all.lines[1] == "the node is in /n (3 MB): kith uninstall --node removes it")
        #expect(all.lines[3].contains("apt remove kith"))
        let none = UninstallPlaces(program: "/opt/kith", isService: false, node: nil, engine: nil)
        #expect(
            none.lines == ["there is nothing of kith here but the program", "the program is one file: rm /opt/kith"])
    }
}

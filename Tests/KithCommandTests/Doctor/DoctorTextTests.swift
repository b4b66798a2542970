// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithDoctor
import Testing

@Suite("The doctor's report for people")
struct DoctorTextTests {
    private static func report(_ sections: DoctorReport.Section...) -> DoctorReport {
        DoctorReport(
            subject: DoctorReport.Subject(name: "desk", dataDirectory: "/data", isRunning: true, version: "1.0"),
            sections: sections, duration: .milliseconds(52))
    }

    private func step(_ check: CheckID, _ title: String, _ severity: Finding.Severity = .ok, fix: Finding.Fix? = nil)
        -> Finding
    {
        var finding = Finding(check, title, severity, "seen of \(title)", fix: fix, of: "laptop")
        finding.address = "192.0.2.1:7443"
        return finding
    }

    private func lines(_ report: DoctorReport, width: Int? = 80) -> [String] {
        DoctorText(report, width: width, style: .plain).lines
    }

    @Test("A way on which all went well is one line")
    func healthy() {
        var tcp = step(.connect, "tcp")
        tcp.duration = .microseconds(400)
        let report = Self.report(
            DoctorReport.Section("This machine", [Finding(.port, "port 8080", .ok, "free for clients")]),
            DoctorReport.Section("Peers", [tcp, step(.peerIdentity, "identity"), step(.trust, "trust")]))
        #expect(
            lines(report) == [
                "desk  running, kith 1.0, files in /data", "", "This machine", "  ✓ port 8080     free for clients", "",
                "Peers",
                "  ✓ laptop        192.0.2.1:7443 · tcp 0.4 ms · identity · trust", "",
                "All is well; looked at in 52 ms.",
            ])
    }

    @Test("Where no node runs nothing is called well, and the next step comes before all causes")
    func absent() {
        let fault = Finding(.engine, "engine", .warning, "none", fix: Finding.Fix("install one"))
        for findings in [[Finding(.port, "port 8080", .ok, "free for clients")], [fault]] {
            let report = DoctorReport(
                subject: DoctorReport.Subject(name: "desk", dataDirectory: "/data", isRunning: false, version: "1.0"),
                sections: [DoctorReport.Section("This machine", findings)], duration: .milliseconds(52))
            let place = lines(report).lastIndex(of: "")
            #expect(place.map { lines(report)[$0 + 1] } == "No node runs here: kith setup starts one.")
            #expect(!lines(report).joined().contains("All is well"))
        }
    }

    @Test("A fault stands alone with what went well before it, what mends it, and once more at the end")
    func broken() {
        let fix = Finding.Fix("pair both again", command: "kith join")
        let report = Self.report(
            DoctorReport.Section("Peers", [step(.connect, "tcp"), step(.trust, "trust", .error, fix: fix)]))
        #expect(
            lines(report).dropFirst(2) == [
                "Peers", "  ✗ laptop        seen of trust", "                  went well: tcp",
                "                  → pair both again", "                    kith join", "",
                "1 error; looked at in 52 ms.", "Most probable cause: laptop: seen of trust.",
                "Mend it: pair both again.",
                "  kith join",
            ])
    }

    @Test("Lines keep to the terminal's width", arguments: [40, 60, 100])
    func width(_ width: Int) {
        let words = Array(repeating: "words", count: 60).joined(separator: " ")
        let report = Self.report(
            DoctorReport.Section(
                "Engine", [Finding(.engine, "engine", .warning, words, fix: Finding.Fix(words), of: "ollama")]))
        #expect(lines(report, width: width).allSatisfy { $0.count <= width })
    }

    @Test("What another machine said cannot move the cursor")
    func controlCharacters() {
        let report = Self.report(
            DoctorReport.Section(
                "Services", [Finding(.service, "service", .error, "evil \u{1B}[2J", of: "http://\u{7}x")]))
        #expect(!lines(report).joined().unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F })
    }
}

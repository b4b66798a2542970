// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithStore
import SystemPackage
import Testing

@testable import KithDoctor

@Suite("A node's files")
struct FileFindingsTests {
    private func verdict(obstacle: Errno? = nil, space: Int64? = 1 << 40, isHeld: Bool = false) -> [Finding] {
        FolderVerdict(
            folder: "/data", isHeld: isHeld,
            sight: FolderSight(existing: "/data/state", exists: true, obstacle: obstacle, space: space)
        ).findings
    }

    @Test(
        "Little space is a warning, next to none an error",
        arguments: [
            (Int64(499_000_000), Finding.Severity.warning), (500_000_000, .ok), (49_000_000, .error), (0, .error),
        ])
    func space(_ bytes: Int64, _ severity: Finding.Severity) {
        #expect(verdict(space: bytes).last?.severity == severity)
    }

    @Test("A full disk is told as such and not as missing rights")
    func full() {
        let found = verdict(obstacle: .noSpace, space: 0)
        #expect(found.filter(\.isFault).map(\.check) == [.diskSpace])
    }

    @Test("A disk for reading only and missing rights have different remedies")
    func obstacles() {
        #expect(verdict(obstacle: .readOnlyFileSystem).first?.fix?.command == "findmnt --target '/data/state'")
        #expect(verdict(obstacle: .permissionDenied).first?.fix?.command == "sudo chown -R $USER '/data/state'")
    }

    @Test("A folder that is there is looked at without leaving anything in it")
    func real() async throws {
        let folder = FilePath("/tmp/kith-doctor-\(UInt64.random(in: .min ... .max))")
        let found = await FolderDiagnosis(folder: folder.string, isHeld: false).run()
        #expect(found.first?.severity == .ok)
        #expect((try? FileDescriptor.open(folder, .readOnly)) == nil)
    }

    @Test(
        "Each fault of a database has its own remedy",
        arguments: [
            (StoreError.Code.newerDatabase, "update kith"), (.damaged, "move the files away"),
            (.foreignDatabase, "choose another folder"), (.inaccessible, "give it to the user"),
            (.full, "free some space"),
        ])
    func database(_ code: StoreError.Code, _ words: String) {
        let finding = StateFindings.database(StoreError(code, "It is broken."), at: "/data/state/kith.sqlite")
        #expect(finding.severity == .error)
        #expect(finding.seen == "It is broken")
        #expect(finding.fix?.sentence.contains(words) == true)
    }

    @Test("A certificate is told by its time")
    func certificate() {
        let day: Int64 = 86_400_000
        let now = WallTime(milliseconds: 1_000 * day)
        func severity(from: Int64, to: Int64) -> Finding.Severity {
            CertificateDiagnosis.finding(
                validity: WallTime(milliseconds: from * day)...WallTime(milliseconds: to * day), of: "c.pem", now: now
            ).severity
        }
        #expect(severity(from: 900, to: 1_100) == .ok)
        #expect(severity(from: 900, to: 1_010) == .warning)
        #expect(severity(from: 900, to: 999) == .error)
        #expect(severity(from: 1_001, to: 1_100) == .warning)
        #expect(CertificateDiagnosis.finding(validity: nil, of: "c.pem", now: now).severity == .ok)
    }
}

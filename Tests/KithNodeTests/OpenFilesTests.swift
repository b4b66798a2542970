// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import KithNode

struct OpenFilesTests {
    @Test("A low limit is raised to what is wanted, or to what the system allows")
    func raised() {
        #expect(OpenFiles.Limit(soft: 1_024, hard: 524_288).raised == 10_240)
        #expect(OpenFiles.Limit(soft: 1_024, hard: 4_096).raised == 4_096)
    }

    @Test("A limit that is high enough, or cannot be raised, is left alone")
    func left() {
        #expect(OpenFiles.Limit(soft: 20_000, hard: 524_288).raised == nil)
        #expect(OpenFiles.Limit(soft: 4_096, hard: 4_096).raised == nil)
    }
}

// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import KithNode

struct ProgramPagesTests {
    @Test("Only files that may be run and not written count as code")
    func code() {
        let list = """
            5561a0000000-5561a0400000 r--p 00000000 fe:00 77 /usr/bin/kith
            5561a0400000-5561a2900000 r-xp 00400000 fe:00 77                   /usr/bin/kith
            5561a2900000-5561a2a00000 rw-p 02900000 fe:00 77 /usr/bin/kith
            7f2614000000-7f2614021000 rwxp 00000000 00:00 0
            7f261b444000-7f261b59a000 r-xp 00026000 fe:00 12 /usr/lib/x86 64/libc.so.6
            7ffd3a5f2000-7ffd3a5f4000 r-xp 00000000 00:00 0 [vdso]
            """
        #expect(
            ProgramPages.mappings(inList: list) == [
                .init(start: 0x5561_a040_0000, length: 0x250_0000), .init(start: 0x7f26_1b44_4000, length: 0x15_6000),
            ])
    }

    @Test("What is no such list has no code", arguments: ["", "\n\n", "x", "9-1 r-xp 0 0 0 /a", "zz-1 r-xp 0 0 0 /a"])
    func foreign(_ list: String) { #expect(ProgramPages.mappings(inList: list).isEmpty) }

    @Test("Code that was let go is there again when it is run")
    func back() {
        ProgramPages.letGo()
        #expect(ProgramPages.mappings(inList: "1000-3000 r-xp 0 0 0 /a") == [.init(start: 0x1000, length: 0x2000)])
    }
}

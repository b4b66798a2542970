// SPDX-License-Identifier: Apache-2.0

/// What the seeds' reference guide shows, word for word.
enum SeedExamples {
    /// "Consciousness Synchronization".
    static let sync = """
        {
          "level": 2.5,
          "context": {
            "branch": "AIOS-win-0",
            "timestamp": "2025-11-28T08:36:42+01:00",
            "source": "vscode-agent-laptop"
          }
        }
        """

    /// "Code Assistance Request".
    static let assist = #"""
        {
          "code": "def function():\n    pass",
          "context": {
            "language": "python",
            "file_path": "example.py",
            "cursor_position": {"line": 1, "column": 0}
          },
          "action": "analyze"
        }
        """#

    /// "Health Check Response (Healthy)", of a bridge.
    static let healthyBridge = """
        {
          "status": "healthy",
          "services": {
            "desktop_cell": true,
            "bridge": true
          },
          "desktop_cell_info": {
            "cell_id": "desktop-primary",
            "branch": "main",
            "consciousness_level": 3.2
          },
          "connection": "desktop"
        }
        """

    /// "Health Check Response (Degraded)", of a bridge.
    static let degradedBridge = """
        {
          "status": "degraded",
          "services": {
            "desktop_cell": false,
            "bridge": true
          },
          "error": "Desktop AIOS cell not reachable",
          "desktop_cell_url": "http://192.168.1.128:8000",
          "connection": "none"
        }
        """
}

"""What an auditor takes along: programs that know the published format and nothing of UPSS."""

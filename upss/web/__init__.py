"""What every page needs: sessions, access, errors, headers, paging."""

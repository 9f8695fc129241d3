"""One module per verb. At module level they import options only; what a verb works with is imported when it runs."""

// Before the first paint, so that a chosen theme does not flash; src/lib/theme.ts sets the choice.
(function () {
  try {
    var choice = localStorage.getItem('imgimport.theme');
    if (choice === 'light' || choice === 'dark') document.documentElement.dataset.theme = choice;
  } catch (error) {
    // Storage is switched off: the system's theme holds.
  }
})();

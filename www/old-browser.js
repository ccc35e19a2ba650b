// Browsers without JavaScript modules run only this file.
document.getElementById("boot-message").innerHTML =
  "<h2>This browser is too old for the playground</h2>" +
  "<p>It does not know JavaScript modules. Chrome, Edge or Firefox from 2023 on, or Safari 16.4 and later, will do.</p>";
